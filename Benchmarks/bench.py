"""Timing, the table, and the fleets and data dirs that the measurements use."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time


class Samples:
    """Figures of one thing, all in one unit."""

    def __init__(self, values, unit="ms"):
        self.values = list(values)
        self.unit = unit

    @property
    def median(self):
        return statistics.median(self.values)

    def quantile(self, part):
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    def __str__(self):
        text = number(self.median)
        if len(self.values) > 1:
            text += f" ({number(min(self.values))}–{number(max(self.values))})"
        return f"{text} {self.unit}"


def number(value):
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


class Table:
    """One line a measurement: the ratio, what it is, ours, what it stands beside."""

    def __init__(self):
        self.failures = 0
        print(f"{'ratio':>7}  {'what':<58} {'ours':<30} beside", flush=True)

    def line(self, what, ours, beside=None, name=""):
        ratio = ""
        if isinstance(beside, Samples) and beside.median > 0:
            ratio = f"{number(ours.median / beside.median)}"
        besides = f"{name}: {beside}" if beside is not None else name
        print(f"{ratio:>7}  {what:<58} {str(ours):<30} {besides}", flush=True)

    def section(self, name, body):
        try:
            body()
        except Exception as error:  # One failed part must not hide the others' figures.
            self.failures += 1
            print(f"{'FAILED':>7}  {name}: {error}", flush=True)


def check(condition, message):
    if not condition:
        raise RuntimeError(message)


DEVNULL = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


def spawn(command, environment=None, output=None, stdin=None):
    """A child by posix_spawn: what it costs to start it does not depend on our own size."""
    actions = [
        (os.POSIX_SPAWN_DUP2, DEVNULL if stdin is None else stdin, 0),
        (os.POSIX_SPAWN_DUP2, DEVNULL if output is None else output, 1),
        (os.POSIX_SPAWN_DUP2, DEVNULL, 2),
    ]
    return os.posix_spawnp(command[0], command, environment or os.environ, file_actions=actions)


def run(command, environment=None, expected=0, **streams):
    """Runs it; (wall ms, CPU ms of it and all that it waited for)."""
    begin = time.perf_counter_ns()
    pid = spawn(command, environment, **streams)
    _, status, usage = os.wait4(pid, 0)
    wall = (time.perf_counter_ns() - begin) / 1e6
    code = os.waitstatus_to_exitcode(status)
    check(code == expected, f"{' '.join(command)} ended with {code}")
    return wall, (usage.ru_utime + usage.ru_stime) * 1000


def pairs(count, *bodies, warmup=1):
    """Every body in turn, `count` times: what drifts, drifts for all of them."""
    results = [[] for _ in bodies]
    for round_number in range(count + warmup):
        for body, values in zip(bodies, results):
            value = body()
            if round_number >= warmup:
                values.append(value)
    return [Samples(values) for values in results]


def read_json(command, environment=None):
    done = subprocess.run(command, env=environment, capture_output=True, stdin=subprocess.DEVNULL)
    check(done.returncode in (0, 1), f"{' '.join(command)}: {done.stderr.decode().strip()}")
    return json.loads(done.stdout)


def eventually(body, what, seconds=30.0, pause=0.005):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = body()
        if value:
            return value
        time.sleep(pause)
    raise RuntimeError(f"{what} did not happen within {seconds:g} s")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    raise RuntimeError(f"no Pss of {pid}")


def peak_pss_kib(command, stdin=None, output=None):
    """The most that a command and its children held at one time: each page of theirs, and their share of what others map too.

    Looked at again and again while it runs, so it is no measure of time as well. (A child's `ru_maxrss` would begin with
    what this program itself has.)"""
    pid = spawn(command, stdin=stdin, output=output)
    peak = 0
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        total, open_ones = 0, [pid]
        while open_ones:
            one = open_ones.pop()
            try:
                total += pss_kib(one)
                with open(f"/proc/{one}/task/{one}/children") as file:
                    open_ones += [int(child) for child in file.read().split()]
            except (OSError, RuntimeError):
                continue
        peak = max(peak, total)
    return float(peak)


def cpu_seconds(pid, children=False):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    if children:
        ticks += int(fields[13]) + int(fields[14])
    return ticks / os.sysconf("SC_CLK_TCK")


SENSOR = '#!/bin/sh\necho \'{"signal":{"n":NUMBER}}\'\n'


def data_dir(path, sensors=0, goal=True, config=None):
    """A data dir as a person would have it: PLAYBOOK, one goal, sensors, a runner."""
    write(f"{path}/PLAYBOOK.md", "Keep it green.\n")
    if goal:
        write(f"{path}/goals/green.md", "The checks pass.\n")
    for index in range(sensors):
        write(f"{path}/sensors/s{index}.sh", SENSOR.replace("NUMBER", str(index)), 0o755)
    write(f"{path}/rules.json", "[]\n")
    write(f"{path}/config.json", json.dumps(config or {"tick_command": "rules", "worker_command": "bash {{prompt_file}}"}))
    return path


def looop_environment(data):
    return dict(os.environ, LOOOP_DATA_DIR=data)


class Fleet:
    """A running supervisor in a place of its own."""

    def __init__(self, binaries, root):
        self.fleet = f"{binaries}/looop-fleet"
        self.root = root
        self.environment = dict(
            os.environ, LOOOP_FLEET_CONFIG=f"{root}/etc", LOOOP_FLEET_STATE=f"{root}/state")
        self.pid = None
        os.makedirs(f"{root}/etc/tenants.d", exist_ok=True)
        write(f"{root}/etc/fleet.yaml", "fleet: {}\n")

    def tenant(self, name, data, **keys):
        lines = [f"data_dir: {data}"] + [f"{key}: {value}" for key, value in keys.items()]
        write(f"{self.root}/etc/tenants.d/{name}.yaml", "\n".join(lines) + "\n")

    def start(self):
        log = os.open(f"{self.root}/serve.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, DEVNULL, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        self.pid = os.posix_spawn(self.fleet, [self.fleet, "serve"], self.environment, file_actions=actions, setsid=True)
        os.close(log)

    def status(self):
        done = subprocess.run(
            [self.fleet, "status", "--json"], env=self.environment, capture_output=True, stdin=subprocess.DEVNULL)
        return json.loads(done.stdout) if done.returncode in (0, 1) and done.stdout else None

    def wait_for(self, count, ready, what, seconds=120.0):
        def look():
            status = self.status()
            return status if status and sum(1 for t in status["tenants"] if ready(t)) >= count else None

        return eventually(look, what, seconds, pause=0.05)

    def end(self, number=signal.SIGTERM):
        if self.pid is None:
            return
        os.kill(self.pid, number)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                break
            time.sleep(0.01)
        else:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.pid = None

    def __enter__(self):
        if self.pid is None:
            self.start()
        return self

    def __exit__(self, *ignored):
        self.end()


def main_failure(message):
    print(f"run: {message}", file=sys.stderr)
    sys.exit(64)
