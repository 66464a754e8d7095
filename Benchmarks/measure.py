"""Every measurement, in the order of the table. `run` sets the scene and calls this."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time

from bench import (
    Fleet, Samples, Table, check, cpu_seconds, data_dir, eventually, looop_environment, main_failure, pairs,
    peak_pss_kib, pss_kib, read_json, run, spawn, write,
)
from fleets import ManyTenants, many

# A worker with a full screen: colours, jumps, wide characters, without a pause.
PRINTER = r"""while :; do printf '\033[1;31m%d\033[0m\033[%d;%dHé漢\n' $RANDOM $((RANDOM%24)) $((RANDOM%80)); done"""


class Measurements:
    def __init__(self, binaries, scratch, quick):
        self.looop = f"{binaries}/looop"
        self.fleet = f"{binaries}/looop-fleet"
        self.binaries = binaries
        self.scratch = scratch
        self.quick = quick
        self.table = Table()

    # How long the programs take to do nothing.
    def start(self):
        looop, fleet, nothing = pairs(
            10 if self.quick else 30, lambda: run([self.looop, "version"])[0],
            lambda: run([self.fleet, "version"])[0], lambda: run(["/bin/true"])[0], warmup=3)
        self.table.line("start: looop version", looop, nothing, "/bin/true")
        self.table.line("start: looop-fleet version", fleet, nothing, "/bin/true")

    # The reads that scripts and agents do all the time.
    def reads(self):
        for asks in (0, 1000):
            data = data_dir(f"{self.scratch}/reads-{asks}", sensors=3)
            os.makedirs(f"{data}/asks")
            for index in range(asks):
                name = f"w{index:04}-1"
                write(
                    f"{data}/asks/{name}.json",
                    json.dumps({
                        "id": name, "worker": name[:-2], "prompt": f"Merge change {index} of the shop?",
                        "ts": 1700000000 + index, "v": 1, "options": ["yes", "no"],
                    }))
            environment = looop_environment(data)
            run([self.looop, "_", "beat"], environment)
            seen = read_json([self.looop, "_", "asks", "--json"], environment)
            check(len(seen) == asks, f"{len(seen)} of {asks} asks are listed")
            show, state, plain = pairs(
                10 if self.quick else 30, lambda: run([self.looop, "_", "asks", "--json"], environment)[0],
                lambda: run([self.looop, "_", "state", "--json"], environment)[0],
                lambda: run(["sh", "-c", 'cat "$0"/asks/*.json || :', data])[0])
            self.table.line(f"looop _ asks --json, {asks:,} asks", show, plain, "sh -c 'cat asks/*'")
            self.table.line(f"looop _ state --json, {asks:,} asks", state, plain, "sh -c 'cat asks/*'")

    # A beat that finds the world as it was, with everything that it starts.
    def beat(self):
        data = data_dir(f"{self.scratch}/beat", sensors=3)
        environment = looop_environment(data)
        run([self.looop, "_", "beat"], environment)
        # Only where nothing changes any more is the next beat an unchanged one.
        for _ in range(2):
            run([self.looop, "_", "beat"], environment)

        def sensors(what):
            return sum(run([f"{data}/sensors/s{index}.sh"])[what] for index in range(3))

        count = 15 if self.quick else 40
        ours, bare = pairs(count, lambda: run([self.looop, "_", "beat"], environment)[1], lambda: sensors(1))
        self.table.line("unchanged beat, 3 sh sensors: CPU of all processes", ours, bare, "the three sh alone")
        ours, bare = pairs(count, lambda: run([self.looop, "_", "beat"], environment)[0], lambda: sensors(0))
        self.table.line("unchanged beat, 3 sh sensors: wall", ours, bare, "the three sh, one by one")

    # From the answer to the worker that goes on. Begins with the answering program's own start.
    def answer(self):
        rounds = 5 if self.quick else 15
        data = data_dir(f"{self.scratch}/answer")
        environment = looop_environment(data)
        values = [
            self.answered(data, f"a{index}", lambda ask: run([self.looop, "_", "answer", ask, "yes"], environment))
            for index in range(rounds)
        ]
        polled = Samples([self.polled(f"{self.scratch}/polled", index) for index in range(5)])
        self.table.line("answer → the blocked ask goes on, looop answer", Samples(values), polled, "sh loop, sleep 1")
        with self.running("answer-fleet", {"web": data}) as fleet:
            command = [self.fleet, "answer"]

            def through_fleet(ask):
                run(command + [f"web/{ask}", "yes"], fleet.environment)

            def known(ask):
                return any(
                    item["ask_id"] == ask for item in read_json([self.fleet, "asks", "--json"], fleet.environment))

            values = [self.answered(data, f"f{index}", through_fleet, known) for index in range(rounds)]
        self.table.line("answer → the blocked ask goes on, looop-fleet answer", Samples(values), polled, "sh loop, sleep 1")

    def answered(self, data, worker, give, known=None):
        ask = f"{worker}-1"
        pid = spawn([self.looop, "_", "ask", worker, "--prompt", "go on?"], looop_environment(data))
        watch = os.pidfd_open(pid)
        try:
            eventually(lambda: os.path.exists(f"{data}/asks/{ask}.json"), f"the ask {ask}")
            if known:
                eventually(lambda: known(ask), f"{ask} in the fleet's mailbox")
            # Until it stands still: what is measured is its waking.
            time.sleep(0.05)
            ended = []

            def wait():
                select.select([watch], [], [], 30)
                ended.append(time.perf_counter_ns())

            waiter = threading.Thread(target=wait)
            waiter.start()
            begin = time.perf_counter_ns()
            give(ask)
            waiter.join()
        finally:
            os.close(watch)
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        return (ended[0] - begin) / 1e6

    def polled(self, path, index):
        """What a script without looop does."""
        answer = f"{path}-{index}"
        pid = spawn(["sh", "-c", 'until [ -e "$0" ]; do sleep 1; done', answer])
        # The moments of the answers are spread over the second.
        time.sleep(0.1 + index * 0.19)
        begin = time.perf_counter_ns()
        write(answer, "yes\n")
        os.waitpid(pid, 0)
        return (time.perf_counter_ns() - begin) / 1e6

    # From an edited goal to the start of the runner.
    def goal(self):
        rounds = 4 if self.quick else 10
        stamps = f"{self.scratch}/stamps"
        config = {
            "tick_command": f"date +%s%N >>{stamps}; cat >/dev/null; echo '{{\"action\":\"noop\",\"reason\":\"seen\"}}'",
            "worker_command": "bash {{prompt_file}}", "max_daily_usd": 0, "interval": 60,
        }
        half = Samples([30000.0])
        data = data_dir(f"{self.scratch}/goal", config=config)
        pulse = spawn([self.looop, "_", "pulse"], dict(looop_environment(data), LOOOP_INTERVAL="60"))
        try:
            values = self.edits(data, stamps, rounds)
        finally:
            os.kill(pulse, signal.SIGTERM)
            os.waitpid(pulse, 0)
        self.table.line("edited goal → the runner starts, looop pulse", Samples(values), half, "half of a 60 s interval")
        os.remove(stamps)
        data = data_dir(f"{self.scratch}/goal-fleet-data", config=config)
        budget = "{ usd_per_day: none, tokens_per_day: none, decides_per_day: none }"
        with self.running("goal-fleet", {"web": data}, interval="60s", budget=budget):
            values = self.edits(data, stamps, rounds)
        self.table.line("edited goal → the runner starts, in a fleet", Samples(values), half, "half of a 60 s interval")

    def edits(self, data, stamps, rounds):
        def decided():
            return len(open(stamps).read().split()) if os.path.exists(stamps) else 0

        eventually(decided, "the first decide")
        values = []
        for index in range(rounds):
            # Until the beat is over and the loop naps again.
            time.sleep(0.7)
            before = decided()
            begin = time.time_ns()
            write(f"{data}/goals/green.md", f"The checks pass, also number {index}.\n")
            eventually(lambda: decided() > before, "a decide after the edit", 90)
            values.append((int(open(stamps).read().split()[before]) - begin) / 1e6)
        return values

    # A worker's worktree, and its end, beside git's own.
    def sandbox(self):
        for files in (1000, 10000) if self.quick else (1000, 10000, 50000):
            self.sandboxes(files)

    def sandboxes(self, files):
        place = f"{self.scratch}/repo-{files}"
        repo = f"{place}/source"
        for index in range(files):
            path = f"{repo}/d{index // 500}/s{index // 50 % 10}"
            if index % 50 == 0:
                os.makedirs(path, exist_ok=True)
            with open(f"{path}/f{index}.txt", "w") as file:
                file.write(f"{index}\n" * (index % 120 + 10))
        git = ["git", "-C", repo]
        subprocess.run(["git", "init", "-q", repo], check=True)
        subprocess.run(git + ["add", "-A"], check=True)
        subprocess.run(git + ["commit", "-qm", "all"], check=True)
        subprocess.run(git + ["gc", "-q"], check=True)
        counter = iter(range(1000))
        times = {"add": [], "create": [], "warm": [], "removed": [], "remove": []}

        def cold():
            root = f"{place}/cold-{next(counter)}"
            # A repository's first sandbox: how it stands is noted before.
            noted, standing = self.sandbox_verb("baseline", repo, root, "w", base="main")
            times["create"].append(noted + self.sandbox_verb("create", repo, root, "w", base="main")[0])
            wall, answer = self.sandbox_verb("remove", repo, root, "w", sweep=False, baselines=standing["baselines"])
            check(answer["removed"], f"the sandbox was kept: {answer['reason']}")
            times["remove"].append(wall)
            # A deletion still under way slows the next creation: paid outside the clock, on both sides.
            shutil.rmtree(root)

        def theirs():
            tree = f"{place}/tree-{next(counter)}"
            times["add"].append(run(git + ["worktree", "add", "-q", "-b", os.path.basename(tree), tree, "main"])[0])
            times["removed"].append(run(git + ["worktree", "remove", tree])[0])

        rounds = 5 if files < 20000 else 3
        for _ in range(rounds):
            theirs()
            cold()
        root = f"{place}/warm"
        self.sandbox_verb("create", repo, root, "w", base="main")
        for number in range(rounds):
            self.sandbox_verb("remove", repo, root, "w")
            self.sandbox_verb("sweep", repo, root, None, repos={"repo": repo})
            for index in range(0, files, max(1, files // 100)):
                with open(f"{repo}/d{index // 500}/s{index // 50 % 10}/f{index}.txt", "a") as file:
                    file.write(f"changed {number}\n")
            subprocess.run(git + ["commit", "-qam", f"change {number}"], check=True)
            wall, answer = self.sandbox_verb("create", repo, root, "w", base="main")
            check(answer["from"] != "cold" and answer["from"] != "checkout", f"not warm but {answer['from']}")
            times["warm"].append(wall)
        held = {"ours": [], "theirs": []}
        for number in range(3):
            request = {"root": f"{place}/held-{number}", "repo_name": "repo", "repo_path": repo, "worker": "w", "base": "main"}
            write(f"{self.scratch}/request", json.dumps(request))
            with open(f"{self.scratch}/request") as file:
                held["ours"].append(peak_pss_kib([self.fleet, "_sandbox", "create"], stdin=file.fileno()) / 1024)
            tree = f"{place}/held-tree-{number}"
            held["theirs"].append(peak_pss_kib(git + ["worktree", "add", "-q", "--detach", tree, "main"]) / 1024)
        samples = {key: Samples(values) for key, values in times.items()}
        self.table.line(f"sandbox, {files:,} files: cold", samples["create"], samples["add"], "git worktree add")
        self.table.line(f"sandbox, {files:,} files: warm, 100 changed", samples["warm"], samples["add"], "git worktree add")
        # The highest of what was seen: a look may come too early or too late.
        self.table.line(
            f"sandbox, {files:,} files: memory of a cold creation", Samples([max(held["ours"])], "MiB"),
            Samples([max(held["theirs"])], "MiB"), "git worktree add, its processes together; PSS")
        self.table.line(
            f"sandbox, {files:,} files: given back", samples["remove"], samples["removed"], "git worktree remove")
        shutil.rmtree(place)

    def sandbox_verb(self, verb, repo, root, worker, **more):
        request = dict({"root": root, "repo_name": "repo", "repo_path": repo}, **more)
        if worker:
            request["worker"] = worker
        name = f"{self.scratch}/request"
        write(name, json.dumps(request))
        with open(name) as file, open(f"{self.scratch}/reply", "w+") as answer:
            try:
                wall = run([self.fleet, "_sandbox", verb], stdin=file.fileno(), output=answer.fileno())[0]
            except RuntimeError as error:
                answer.seek(0)
                raise RuntimeError(f"{error}: {answer.read().strip()}")
            answer.seek(0)
            return wall, json.load(answer)

    # What is resident: an idle tenant in the supervisor, the holder of one session.
    def memory(self):
        sizes = {}
        few, most = 10, 200 if self.quick else 1000
        for count in (few, most):
            fleet = many(self.binaries, f"{self.scratch}/memory-{count}", count, interval="3600s")
            with fleet:
                # Each has had its first beat and sleeps until its next.
                fleet.wait_for(count, lambda tenant: tenant["last_beat"], f"{count} first beats", 200)
                eventually(lambda: settled(fleet.pid), "the supervisor idle", 120, 1)
                sizes[count] = pss_kib(fleet.pid)
        growth = Samples([(sizes[most] - sizes[few]) / (most - few)], "KiB")
        self.table.line(
            f"idle tenant in the supervisor, {few} to {most:,} tenants: PSS", growth,
            name=f"no process ({sizes[few] / 1024:.0f} and {sizes[most] / 1024:.0f} MiB in all)")
        data = data_dir(f"{self.scratch}/holder")
        # By itself, so that it shares nothing; then each beside two others.
        for what, command in (("that rests", "sleep 600"), ("that prints", PRINTER)):
            alone = self.holders(data, command, 1)
            self.table.line(
                f"holder of one session {what}, alone: PSS", alone, self.shell_size(), "script(1), which keeps a session's output")
        self.table.line(
            "holder of one session that rests, beside two others: PSS", self.holders(data, "sleep 600", 3),
            self.shell_size(), "script(1), which keeps a session's output")

    def holders(self, data, command, count):
        """What the holders of so many sessions occupy, one after the other; a moment after their start."""
        environment = looop_environment(data)
        workers = [f"w{time.monotonic_ns()}" for _ in range(count)]
        holders = []
        for worker in workers:
            run([self.looop, "_", "worker", "start", worker, command], environment)
            holders.append(eventually(lambda: holder_of(data, worker), "the session's holder"))
        time.sleep(5)
        values = [float(pss_kib(holder)) for holder in holders]
        for worker in workers:
            run([self.looop, "_", "kill", worker], environment)
        return Samples(values, "KiB")

    def shell_size(self):
        """`script` is what keeps a session's output without looop."""
        program = shutil.which("script")
        if program is None:
            return None
        pid = spawn([program, "-qfc", "sleep 600", f"{self.scratch}/typescript"])
        try:
            time.sleep(0.3)
            return Samples([float(pss_kib(pid))], "KiB")
        finally:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)

    def running(self, name, tenants, **keys):
        """A fleet that has had its first beats."""
        fleet = Fleet(self.binaries, f"{self.scratch}/{name}")
        for tenant, data in tenants.items():
            fleet.tenant(tenant, data, **keys)
        fleet.start()
        fleet.wait_for(
            len(tenants), lambda tenant: tenant["phase"] == "running" and tenant["last_beat"], "a running fleet", 60)
        return fleet

    # Many tenants and what they take together, beside a shell loop for each.
    def fleet_of_many(self):
        ManyTenants(self.binaries, self.scratch, self.table, 100 if self.quick else 200, 10).measure()

    def large(self):
        ManyTenants(self.binaries, self.scratch, self.table, 200 if self.quick else 1000, 60).measure()


def settled(pid):
    before = cpu_seconds(pid, children=True)
    time.sleep(2)
    return cpu_seconds(pid, children=True) - before < 0.05


def holder_of(data, worker):
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline") as file:
                words = file.read().split("\0")
            with open(f"/proc/{entry}/environ") as file:
                if f"LOOOP_DATA_DIR={data}" not in file.read().split("\0"):
                    continue
        except OSError:
            continue
        if "run" in words[1:3] and any(worker in word for word in words[2:]):
            return int(entry)
    return None


PARTS = {
    "start": Measurements.start, "reads": Measurements.reads, "beat": Measurements.beat, "answer": Measurements.answer,
    "goal": Measurements.goal, "fleet": Measurements.fleet_of_many, "sandbox": Measurements.sandbox,
    "memory": Measurements.memory, "large": Measurements.large,
}


def main(arguments):
    binaries, scratch, *rest = arguments
    only, large, quick = [], False, False
    while rest:
        word = rest.pop(0)
        if word == "--large":
            large = True
        elif word == "--quick":
            quick = True
        elif word == "--only" and rest and rest[0] in PARTS:
            only.append(rest.pop(0))
        else:
            main_failure(f"unknown argument {word}")
    measurements = Measurements(binaries, scratch, quick)
    for part in only or [part for part in PARTS if large or part != "large"]:
        measurements.table.section(part, lambda: PARTS[part](measurements))
    return 1 if measurements.table.failures else 0


sys.exit(main(sys.argv[1:]))
