"""Many tenants in one supervisor, beside what one would run instead: a shell loop for each."""

import json
import os
import shutil
import signal
import subprocess
import time

from bench import (
    DEVNULL, SENSOR, Fleet, Samples, cpu_seconds, data_dir, eventually, looop_environment, pairs, pss_kib, run, write,
)


def many(binaries, root, count, interval, sensors=0):
    fleet = Fleet(binaries, root)
    for index in range(count):
        tenant = f"t{index:04}"
        fleet.tenant(tenant, data_dir(f"{fleet.root}/data/{tenant}", sensors=sensors), interval=interval)
    return fleet


class ManyTenants:
    """So many tenants that beat so often (in seconds): one fleet, then the same with a shell loop a tenant."""

    def __init__(self, binaries, scratch, table, count, interval):
        self.looop = f"{binaries}/looop"
        self.table = table
        self.count = count
        self.interval = interval
        self.root = f"{scratch}/many-{count}"
        self.fleet = many(binaries, self.root, count, f"{interval}s", sensors=3)
        self.names = [f"t{index:04}" for index in range(count)]
        os.makedirs(f"{self.root}/stamps")
        for name in self.names:
            # The first sensor says when its beat ran.
            sensor = f"{self.root}/data/{name}/sensors/s0.sh"
            write(sensor, SENSOR.replace("NUMBER", "0") + f": >{self.root}/stamps/{name}\n", 0o755)

    def measure(self):
        with self.fleet:
            self.fleet.wait_for(
                self.count, lambda tenant: tenant["last_beat"], f"{self.count} first beats", 200)
            beside = self.supervised()
            self.asks()
            self.adoption()
        self.looped(beside)
        shutil.rmtree(self.root)

    def line(self, what, ours, beside=None, name=""):
        self.table.line(f"{self.count:,} tenants at {self.interval} s: {what}", ours, beside, name)

    def supervised(self):
        """What the running fleet takes and how late it is; told when the loops have run as well."""
        fleet, seconds = self.fleet, max(30, self.interval)
        begin, mine, all_of_it = time.monotonic(), cpu_seconds(fleet.pid), cpu_seconds(fleet.pid, children=True)
        answers = []
        while time.monotonic() < begin + seconds:
            started = time.perf_counter_ns()
            run([fleet.fleet, "status", "--json"], fleet.environment)
            answers.append((time.perf_counter_ns() - started) / 1e6)
            time.sleep(min(3, max(0, begin + seconds - time.monotonic())))
        elapsed = time.monotonic() - begin
        mine = (cpu_seconds(fleet.pid) - mine) / elapsed * 100
        all_of_it = (cpu_seconds(fleet.pid, children=True) - all_of_it) / elapsed * 100
        # From now on: a whole interval with nobody asking.
        durations = {tenant["name"]: tenant["last_beat"]["duration_ms"] for tenant in fleet.status()["tenants"]}
        gaps = self.gaps()
        lateness = Samples([max(0.0, gaps[name] - durations[name]) for name in self.names])
        self.line("status --json", Samples(answers), name="goal: 50 ms")
        self.line("lateness of a beat", lateness, name=f"p99 {lateness.quantile(0.99):,.0f} ms, goal: 1,000 ms")
        return {
            "gaps": Samples(gaps.values()), "supervisor": mine, "all": all_of_it, "pss": pss_kib(fleet.pid) / 1024,
        }

    # All mailboxes at once: one question, or each loop asked in turn.
    def asks(self):
        for name in self.names[:50]:
            write(
                f"{self.root}/data/{name}/asks/w-1.json",
                json.dumps({"id": "w-1", "worker": "w", "prompt": "Merge it?", "ts": 1700000000, "v": 1}))
        listed = eventually(
            lambda: (known := self.listed()) and len(known) >= 50 and known, "50 asks in the mailbox", 60, 0.2)
        loop = 'for one in "$0"/data/*; do LOOOP_DATA_DIR=$one "$1" _ asks --json; done'
        ours, theirs = pairs(
            3, lambda: run([self.fleet.fleet, "asks", "--json"], self.fleet.environment)[0],
            lambda: run(["sh", "-c", loop, self.root, self.looop])[0])
        self.line(f"everybody's mailbox, {len(listed)} asks", ours, theirs, "a loop of looop asks")

    def listed(self):
        done = subprocess.run(
            [self.fleet.fleet, "asks", "--json"], env=self.fleet.environment, capture_output=True,
            stdin=subprocess.DEVNULL)
        return json.loads(done.stdout) if done.returncode == 0 else []

    def adoption(self):
        """Adopted is who has its lock held again; the kernel's list of locks is what an outsider can see."""
        inodes = {os.stat(f"{self.root}/data/{name}/.lock/lock").st_ino for name in self.names}

        def all_held():
            with open("/proc/locks") as file:
                lines = [line.split() for line in file]
            return inodes <= {int(words[5].rsplit(":", 1)[1]) for words in lines if words[1] == "FLOCK"}

        values = []
        for _ in range(3):
            self.fleet.end(signal.SIGKILL)
            begin = time.perf_counter_ns()
            self.fleet.start()
            eventually(all_held, "every tenant's lock held", 60, 0.02)
            values.append((time.perf_counter_ns() - begin) / 1e6)
            self.fleet.wait_for(self.count, lambda tenant: tenant["phase"] == "running", "all running")
        self.line("adopted again after kill -9", Samples(values), name="goal: 2,000 ms")

    # The same loops without a fleet, begun one after the other as cron or a person would.
    def looped(self, ours):
        loop = 'sleep "$2"; while :; do "$1" _ beat; sleep "$3"; done'
        loops = []
        for index, name in enumerate(self.names):
            data = f"{self.root}/data/{name}"
            # The fleet is gone; what it left says that it is not.
            os.remove(f"{data}/.fleet.json")
            loops.append(self.loop(loop, name, self.interval * index / self.count))
        try:
            time.sleep(self.interval)
            self.gaps()
            begin, before = time.monotonic(), self.cpu_of(loops)
            gaps = Samples(self.gaps().values())
            time.sleep(max(0, begin + max(30, self.interval) - time.monotonic()))
            cpu = (self.cpu_of(loops) - before) / (time.monotonic() - begin) * 100
            pss = sum(self.pss_of(pid) for pid in loops) / 1024
        finally:
            for pid in loops:
                os.killpg(pid, signal.SIGKILL)
            for pid in loops:
                os.waitpid(pid, 0)
        name = "a shell loop each"
        self.line("from beat to beat, beyond the interval", ours["gaps"], gaps, name)
        self.line("CPU of everything", Samples([ours["all"]], "% of a core"), Samples([cpu], "% of a core"), name)
        self.line("CPU of the supervisor alone", Samples([ours["supervisor"]], "% of a core"))
        self.line("resident between beats: PSS", Samples([ours["pss"]], "MiB"), Samples([pss], "MiB"), name)

    def loop(self, script, name, delay):
        actions = [(os.POSIX_SPAWN_DUP2, DEVNULL, number) for number in range(3)]
        command = ["sh", "-c", script, "loop", self.looop, f"{delay:.3f}", str(self.interval)]
        environment = looop_environment(f"{self.root}/data/{name}")
        return os.posix_spawnp("sh", command, environment, file_actions=actions, setpgroup=0)

    def cpu_of(self, loops):
        return sum(cpu_seconds(pid, children=True) for pid in loops)

    def pss_of(self, pid):
        """A loop and what it waits for."""
        total = 0
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            family = [pid] + [int(child) for child in file.read().split()]
        for one in family:
            try:
                total += pss_kib(one)
            except (OSError, RuntimeError):
                continue
        return total

    def stamps(self):
        with os.scandir(f"{self.root}/stamps") as entries:
            return {entry.name: entry.stat().st_mtime for entry in entries}

    def gaps(self):
        """By how much (in ms) the time from one beat to the next is longer than the interval, for each tenant once."""
        before, gaps = self.stamps(), {}

        def look():
            for name, at in self.stamps().items():
                if at != before.get(name) and name not in gaps and name in before:
                    gaps[name] = max(0.0, (at - before[name] - self.interval) * 1000)
            return len(gaps) == len(self.names)

        eventually(look, "a beat of every tenant", self.interval * 2 + 60, min(0.5, self.interval / 20))
        return gaps
