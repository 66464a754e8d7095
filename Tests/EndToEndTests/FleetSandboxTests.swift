import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// Sandboxes as a fleet gives them, from outside: what a worker finds, how its work comes home, what is left of it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct FleetSandboxTests {
  /// Ignored files, one of them wanted in sandboxes.
  private static func furnish(_ fleet: FleetUnderTest, _ name: String) throws {
    try fleet.makeRepository(name)
    try fleet.scratch.write("*.log\n.env\n", to: "repos/\(name)/.gitignore")
    try fleet.scratch.write(".env\n", to: "repos/\(name)/.worktreeinclude")
    try fleet.scratch.write("SECRET=1\n", to: "repos/\(name)/.env")
    _ = try fleet.git(name, "add", ".gitignore", ".worktreeinclude")
    #expect(try fleet.git(name, "commit", "-qm", "ignore").exitCode == 0)
  }

  private static func start(_ fleet: FleetUnderTest, _ tenant: String, _ worker: String, _ brief: String) throws {
    // Before its take-over the data dir is nobody's, and knows no sandboxes.
    #expect(
      eventually(within: 20) { FileReading.of(fleet.dataDir(tenant).fleetMark) != .absent }, "\(fleet.log)")
    let started = try fleet.looop(tenant, "worker", "start", worker, "--repo", "web", brief)
    #expect(started.exitCode == 0, "\(started.errors)")
  }

  private static func rows(_ fleet: FleetUnderTest, _ worker: String, _ state: String) throws -> [JSON] {
    (try fleet.run("sandboxes", "--json").json?.array ?? []).filter {
      $0["worker"]?.string == worker && $0["state"]?.string == state
    }
  }

  /// Shows what it has, commits a line, leaves a file, and ends on an answer.
  private static let brief = """
    set -eu
    reports="$LOOOP_DATA_DIR/reports"
    env | grep -E '^(TMPDIR|TMP|LOOOP_PORT_BASE|LOOOP_PORT_COUNT)=' | sort >"$reports/env-$LOOOP_SESSION_ID"
    cat setup.log .env >"$reports/files-$LOOOP_SESSION_ID"
    echo "$LOOOP_SESSION_ID" >>file.txt
    git commit -qam "by $LOOOP_SESSION_ID"
    echo three >untracked
    "$LOOOP_BIN" _ ask --prompt 'Done?' --options yes
    "$LOOOP_BIN" _ kill "$LOOOP_SESSION_ID"
    """

  private static let hooks = """
    sandboxes:
      setup: 'echo "set up in $TMPDIR" >setup.log'
      teardown: 'echo "$LOOOP_PORT_COUNT" | cat setup.log - >>"$LOOOP_DATA_DIR/reports/torn"'
      ports: 7

    """

  @Test func `a worker finds what is configured, and its work is seen, landed, parked and restored`() throws {
    let fleet = try FleetUnderTest()
    try Self.furnish(fleet, "web")
    for tenant in ["web", "api"] {
      try fleet.makeTenant(tenant, yaml: "repos: { web: \(fleet.repository("web")) }\n\(Self.hooks)")
    }
    try fleet.start()
    let workers = [("web", "a"), ("web", "b"), ("api", "a")]
    for (tenant, worker) in workers { try Self.start(fleet, tenant, worker, Self.brief) }
    for (tenant, worker) in workers {
      #expect(try eventually(within: 30) { try fleet.ask("\(tenant)/\(worker)-1") != nil }, "\(fleet.log)")
    }
    var (ports, places): (Set<String>, Set<String>) = ([], [])
    for (tenant, worker) in workers {
      let reports = fleet.dataDir(tenant).reports
      let lines = (FileReading.of(reports.appending("env-\(worker)")).text ?? "").split(separator: "\n").map(
        String.init)
      #expect(lines.count == 4 && lines[1] == "LOOOP_PORT_COUNT=7", "\(lines)")
      let temporary = fleet.scratch.appending("state/sandboxes/\(tenant)/tmp/\(worker)").string
      #expect(lines.suffix(2) == ["TMP=\(temporary)", "TMPDIR=\(temporary)"])
      ports.insert(lines.first ?? "")
      places.insert(temporary)
      #expect(
        FileReading.of(reports.appending("files-\(worker)")).text == "set up in \(temporary)\nSECRET=1\n")
    }
    #expect(ports.count == 3 && places.count == 3, "blocks of ports are nobody else's: \(ports)")
    try Self.bringHome(fleet)
    try Self.giveBack(fleet)
  }

  private static func bringHome(_ fleet: FleetUnderTest) throws {
    let diff = try fleet.run("sandbox", "diff", "web/a", "--json").json
    #expect(diff?["commits"]?.array?.map { $0["summary"]?.string } == ["by a"], "\(diff?.compact ?? "")")
    #expect(diff?["state"]?.string == "worktree" && diff?["unsaved"]?.int == 1)
    #expect(try fleet.run("sandbox", "diff", "web/a").output.contains("\n+three\n"))
    let before = try fleet.git("web", "rev-parse", "main").output
    #expect(
      try fleet.run("sandbox", "land", "web/a", "--dry-run").output.contains("1 commit would land on main of web"))
    #expect(try fleet.git("web", "rev-parse", "main").output == before)
    let landed = try fleet.run("sandbox", "land", "web/a")
    #expect(landed.exitCode == 0 && landed.errors.contains("1 change is in no commit"), "\(landed)")
    #expect(try fleet.git("web", "log", "-1", "--format=%s", "main").output == "by a\n")
    #expect(FileReading.of(fleet.repository("web").appending("file.txt")).text == "one\na\n")
    #expect(try fleet.git("web", "status", "--porcelain").output == "")
    let behind = try fleet.run("sandbox", "land", "web/b")
    #expect(behind.exitCode == 1 && behind.errors.contains("main has 1 commit that looop/b lacks"), "\(behind.errors)")
    #expect(behind.errors.contains("git rebase"))
    #expect(try fleet.run("sandbox", "diff", "web/nobody").exitCode == 1)
    #expect(try eventually(within: 20) { (try fleet.tenant("web")?["disk_bytes"]?.int ?? 0) > 0 })
    #expect(try fleet.tenant("web")?["sandboxes"]?.int == 2)
    #expect((try rows(fleet, "a", "in_use").first?["bytes"]?.int ?? 0) > 0)
  }

  private static func giveBack(_ fleet: FleetUnderTest) throws {
    #expect(try fleet.run("answer", "web/a-1", "yes").exitCode == 0)
    #expect(try eventually(within: 20) { try rows(fleet, "a", "parked").count == 1 }, "\(fleet.log)")
    #expect(try rows(fleet, "a", "parked").first?["reason"]?.string == "1 untracked file")
    let torn = FileReading.of(fleet.dataDir("web").reports.appending("torn")).text ?? ""
    #expect(torn.hasPrefix("set up in ") && torn.hasSuffix("\n7\n"), "\(torn)")
    #expect(try rows(fleet, "b", "in_use").count == 1, "the other one works on")
    let restored = try fleet.run("sandbox", "restore", "web/a", "--as", "again", "--json").json
    let tree = FilePath(try #require(restored?["path"]?.string))
    #expect(FileReading.of(tree.appending("untracked")).text == "three\n")
    #expect(FileReading.of(tree.appending("file.txt")).text == "one\na\n")
    let kept = try fleet.run("sandbox", "prune", "--dry-run", "--json").json?["sandboxes"]?.array ?? []
    #expect(kept.contains { $0["worker"] == "again" && $0["outcome"] == "kept" }, "\(kept)")
    #expect(
      try RunningProcess.run("/usr/bin/git", ["-C", tree.string, "worktree", "unlock", tree.string]).exitCode == 0)
    let pruned = try fleet.run("sandbox", "prune", "--tenant", "web", "--json").json?["sandboxes"]?.array ?? []
    #expect(pruned.contains { $0["worker"] == "again" && $0["outcome"] == "parked" }, "\(pruned)")
    #expect(try fleet.run("sandbox", "land", "web/a").output.contains("has it already"))
    // The name again: of what is on it, its last start's is meant, and not what an earlier one has parked.
    try start(
      fleet, "web", "a", "echo anew >>file.txt; git commit -qam anew; \"$LOOOP_BIN\" _ kill \"$LOOOP_SESSION_ID\"")
    #expect(eventually(within: 30) { fleet.log.contains("sandbox of a: removed") }, "\(fleet.log)")
    let anew = try fleet.run("sandbox", "land", "web/a")
    #expect(anew.output.contains("1 commit landed on main of web"), "\(anew)")
    #expect(try fleet.git("web", "log", "-1", "--format=%s", "main").output == "anew\n")
  }

  @Test func `what a worker changes for everybody is put right, and told with its name`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeRepository("web")
    try fleet.makeTenant(
      "web", yaml: "repos: { web: \(fleet.repository("web")) }\nsandboxes: { keep: 1h, keep_failed: 0s }\n")
    try fleet.start()
    let evil = fleet.scratch.appending("evil")
    try Self.start(
      fleet, "web", "mallory",
      """
      common=$(git rev-parse --git-common-dir)
      printf '#!/bin/sh\\ntouch \(evil)\\n' >"$common/hooks/post-checkout"; chmod +x "$common/hooks/post-checkout"
      git config core.fsmonitor 'touch \(evil)'; git config core.bare true
      "$LOOOP_BIN" _ kill "$LOOOP_SESSION_ID"
      """)
    // Told once all of it is put right.
    #expect(
      eventually(within: 30) { fleet.log.contains("worker mallory changed repository web for everybody") },
      "\(fleet.log)")
    #expect(try Self.rows(fleet, "mallory", "quarantined").count == 1)
    #expect(try fleet.git("web", "config", "core.bare").output == "false\n")
    #expect(try fleet.git("web", "config", "core.fsmonitor").exitCode == 1)
    #expect(FileReading.of(fleet.repository("web").appending(".git/hooks/post-checkout")) == .absent)
    #expect(FileReading.of(evil) == .absent)
    #expect(try eventually(within: 20) { try fleet.tenant("web")?["reason"]?.string?.contains("mallory") == true })
    let kept = try Self.rows(fleet, "mallory", "kept").first?["reason"]?.string
    #expect(kept?.contains("kept for 1 h") == true, "audited at once, given back later: \(kept ?? "gone")")
    // The next worker finds a sound repository.
    try Self.start(
      fleet, "web", "next",
      """
      git status >"$LOOOP_DATA_DIR/reports/next"
      while [ ! -e "$LOOOP_DATA_DIR/reports/go" ]; do sleep 0.02; done
      printf 'evil\\n' >"$(git rev-parse --git-common-dir)/hooks/pre-commit"; "$LOOOP_BIN" _ kill next
      """)
    let reports = fleet.dataDir("web").reports
    #expect(
      eventually(within: 20) {
        FileReading.of(reports.appending("next")).text?.contains("working tree clean") == true
      }, "\(fleet.log)")
    // What one does while no supervisor looks is not taken for how it should be.
    fleet.killSupervisor()
    try AtomicFile.write("", to: reports.appending("go"))
    let hook = fleet.repository("web").appending(".git/hooks/pre-commit")
    #expect(
      try eventually(within: 20) {
        try FileReading.of(hook) != .absent && !fleet.looop("web", "worker", "list").output.contains("next")
      })
    try Self.start(fleet, "web", "last", "exec sleep 600")
    try fleet.start()
    #expect(eventually(within: 20) { fleet.log.contains("hooks/pre-commit was planted") }, "\(fleet.log)")
    #expect(FileReading.of(hook) == .absent)
  }

  @Test func `what cannot be put right blocks the repository until somebody mended it, and a failing setup is told`()
    throws
  {
    let fleet = try FleetUnderTest()
    try fleet.makeRepository("web")
    let setup = "test ! -e \"$LOOOP_DATA_DIR/reports/refuse\" || { echo no dependencies; exit 3; }"
    try fleet.makeTenant(
      "web",
      yaml: "repos: { web: \(fleet.repository("web")) }\nsandboxes:\n  setup: \(JSON.string(setup).compact)\n")
    try fleet.start()
    #expect(try fleet.run("sandbox", "preflight", "web/web").exitCode == 0)
    let lacking = try fleet.run("sandbox", "preflight", "web/web", "--base", "nowhere", "--json")
    #expect(lacking.exitCode == 1 && lacking.json?["findings"]?.array?.first?["name"] == "commit", "\(lacking)")
    let objects = fleet.repository("web").appending(".git/objects")
    let elsewhere = fleet.scratch.appending("elsewhere")
    try Self.start(
      fleet, "web", "mallory",
      "mv \(objects) \(elsewhere) && ln -s \(elsewhere) \(objects); \"$LOOOP_BIN\" _ kill \"$LOOOP_SESSION_ID\"")
    #expect(eventually(within: 20) { fleet.log.contains("worker mallory changed repository web") }, "\(fleet.log)")
    func reason(_ worker: String) throws -> String { try fleet.worker("web", worker)?["reason"]?.string ?? "" }
    try Self.start(fleet, "web", "early", "true")
    #expect(try eventually(within: 20) { try reason("early").contains("web was tampered with") }, "\(fleet.log)")
    #expect(try reason("early").contains("mend it"))
    #expect(unlink(objects.string) == 0 && rename(elsewhere.string, objects.string) == 0)
    try AtomicFile.write("", to: fleet.dataDir("web").reports.appending("refuse"))
    try Self.start(fleet, "web", "bare", "true")
    #expect(try eventually(within: 20) { try reason("bare").contains("no dependencies") }, "\(fleet.log)")
    #expect(AtomicFile.remove(fleet.dataDir("web").reports.appending("refuse")))
    try Self.start(fleet, "web", "late", "exec sleep 600")
    #expect(try eventually(within: 20) { try fleet.worker("web", "late")?["phase"]?.string == "running" })
  }

  @Test func `a repository that becomes another one while a worker is there is measured by its own measure`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeRepository("web")
    func configure(_ isPrivate: Bool) throws {
      try fleet.configure(
        "web", "repos: { web: \(fleet.repository("web")) }\nsandboxes: { private: \(isPrivate), keep: 0s }\n")
    }
    try fleet.makeTenant("web")
    try configure(true)
    try fleet.start()
    let config = fleet.repository("web").appending(".git/config")
    let before = FileReading.of(config).text
    try Self.start(fleet, "web", "old", "exec sleep 600")
    #expect(try eventually(within: 20) { try fleet.worker("web", "old")?["phase"]?.string == "running" })
    try configure(false)
    #expect(try fleet.run("reload").exitCode == 0)
    let evil = fleet.repository("web").appending(".git/hooks/pre-commit")
    try Self.start(fleet, "web", "new", "touch \(evil); \"$LOOOP_BIN\" _ kill new")
    #expect(eventually(within: 30) { fleet.log.contains("sandbox of new: removed") }, "\(fleet.log)")
    #expect(FileReading.of(config).text == before)
    #expect(fleet.log.contains("hooks/pre-commit was planted") && FileReading.of(evil) == .absent, "\(fleet.log)")
    #expect(!fleet.log.contains("config:"), "\(fleet.log)")
  }

  @Test func `a worker whose start fails leaves a fresh measure to the one beside it`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeRepository("web")
    let setup = """
      case "$LOOOP_SANDBOX" in
      */bad) while [ ! -e "$LOOOP_DATA_DIR/reports/go" ]; do sleep 0.02; done; echo no dependencies; exit 3 ;;
      esac
      """
    try fleet.makeTenant(
      "web",
      yaml:
        "repos: { web: \(fleet.repository("web")) }\nsandboxes:\n  keep: 0s\n  setup: \(JSON.string(setup).compact)\n")
    try fleet.start()
    try Self.start(fleet, "web", "first", "\"$LOOOP_BIN\" _ kill first")
    #expect(eventually(within: 30) { fleet.log.contains("sandbox of first: removed") }, "\(fleet.log)")
    // Nobody is at work: what a person does now is how it should be.
    try fleet.scratch.write("#!/bin/sh\n", to: "repos/web/.git/hooks/pre-push", mode: 0o755)
    let trees = fleet.scratch.appending("state/sandboxes/web/trees")
    try Self.start(fleet, "web", "bad", "true")
    #expect(try eventually(within: 20) { try Directory.names(trees) == ["bad"] }, "\(fleet.log)")
    try Self.start(fleet, "web", "good", "\"$LOOOP_BIN\" _ kill good")
    #expect(eventually(within: 30) { fleet.log.contains("sandbox of good: removed") }, "\(fleet.log)")
    try AtomicFile.write("", to: fleet.dataDir("web").reports.appending("go"))
    #expect(eventually(within: 30) { fleet.log.contains("worker bad did not start") }, "\(fleet.log)")
    #expect(FileReading.of(fleet.repository("web").appending(".git/hooks/pre-push")).text == "#!/bin/sh\n")
    #expect(!fleet.log.contains("for everybody"), "\(fleet.log)")
  }

  @Test func `a measure that was removed while somebody works is taken anew before the next one comes`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeRepository("web")
    try fleet.makeTenant("web", yaml: "repos: { web: \(fleet.repository("web")) }\nsandboxes: { keep: 0s }\n")
    try fleet.start()
    let hook = fleet.repository("web").appending(".git/hooks/pre-commit")
    let go = fleet.dataDir("web").reports.appending("go")
    try Self.start(
      fleet, "web", "mallory",
      "while [ ! -e \(go) ]; do sleep 0.02; done; echo evil >\(hook); \"$LOOOP_BIN\" _ kill mallory")
    #expect(try eventually(within: 20) { try fleet.worker("web", "mallory")?["phase"]?.string == "running" })
    #expect(AtomicFile.remove(fleet.scratch.appending("state/baselines/web/web.json")))
    try Self.start(fleet, "web", "next", "exec sleep 600")
    #expect(try eventually(within: 20) { try fleet.worker("web", "next")?["phase"]?.string == "running" })
    try AtomicFile.write("", to: go)
    #expect(eventually(within: 30) { fleet.log.contains("hooks/pre-commit was planted") }, "\(fleet.log)")
  }

  @Test func `what could not be looked at does not become the measure`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeRepository("web")
    try fleet.makeTenant("web", yaml: "repos: { web: \(fleet.repository("web")) }\nsandboxes: { keep: 0s }\n")
    try fleet.start()
    let hook = fleet.repository("web").appending(".git/hooks/pre-commit")
    let lock = fleet.scratch.appending("state/sandboxes/web/records/audit-web.lock")
    try Self.start(
      fleet, "web", "mallory",
      "rm -f \(lock); mkdir \(lock); echo evil >\(hook); \"$LOOOP_BIN\" _ kill mallory")
    #expect(eventually(within: 30) { fleet.log.contains("sandbox of mallory: is kept") }, "\(fleet.log)")
    func reason(_ worker: String) throws -> String { try fleet.worker("web", worker)?["reason"]?.string ?? "" }
    try Self.start(fleet, "web", "early", "true")
    #expect(try eventually(within: 20) { try reason("early").contains("what earlier workers did") }, "\(fleet.log)")
    #expect(try reason("early").contains("baselines/web/web.json"))
    #expect(FileReading.of(hook) != .absent)
    #expect(rmdir(lock.string) == 0)
    try Self.start(fleet, "web", "late", "exec sleep 600")
    #expect(try eventually(within: 20) { try fleet.worker("web", "late")?["phase"]?.string == "running" })
    #expect(fleet.log.contains("hooks/pre-commit was planted") && FileReading.of(hook) == .absent, "\(fleet.log)")
  }

  @Test func `a supervisor that dies while a sandbox is made leaves one sandbox, set up once, or none`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeRepository("web")
    let setup = """
      echo "$LOOOP_SANDBOX" >>"$LOOOP_DATA_DIR/reports/setups"
      while [ ! -e "$LOOOP_DATA_DIR/reports/go" ]; do sleep 0.02; done
      """
    try fleet.makeTenant(
      "web",
      yaml: "repos: { web: \(fleet.repository("web")) }\nsandboxes:\n  setup: \(JSON.string(setup).compact)\n")
    try fleet.start()
    let reports = fleet.dataDir("web").reports
    for worker in ["stays", "leaves"] {
      try Self.start(fleet, "web", worker, "echo here >\"$LOOOP_DATA_DIR/reports/$LOOOP_SESSION_ID\"; exec sleep 600")
    }
    func setups() -> Int { (FileReading.of(reports.appending("setups")).text ?? "").split(separator: "\n").count }
    #expect(eventually(within: 20) { setups() == 2 })
    fleet.killSupervisor()
    // A removal that was cut off after its rename leaves the tree here.
    let trash = fleet.scratch.appending("state/sandboxes/web/trash")
    try fleet.scratch.write("x", to: "state/sandboxes/web/trash/left/tree/file")
    #expect(try fleet.looop("web", "worker", "kill", "leaves").exitCode == 0)
    try fleet.start()
    try AtomicFile.write("", to: reports.appending("go"))
    #expect(eventually(within: 30) { FileReading.of(reports.appending("stays")).text == "here\n" }, "\(fleet.log)")
    let trees = fleet.scratch.appending("state/sandboxes/web/trees")
    #expect(try eventually(within: 30) { try Directory.names(trees) == ["stays"] }, "\(fleet.log)")
    #expect(setups() == 2)
    #expect(try eventually(within: 20) { try !Directory.names(trash).contains("left") })
    #expect(try eventually { try fleet.git("web", "branch", "--list", "looop/leaves").output == "" })
    #expect(try fleet.git("web", "worktree", "list").output.split(separator: "\n").count == 2)
  }

  /// A daemon that its session cannot reach any more: the holder was killed, which would have ended it.
  @Test(.enabled(if: geteuid() == 0, "needs root: only a control group tells who is left"))
  func `a sandbox is given back once the last process in it was ended, with what that one wrote`() throws {
    let fleet = try FleetUnderTest()
    try fleet.makeRepository("web")
    try fleet.makeTenant("web", yaml: "repos: { web: \(fleet.repository("web")) }\n")
    try fleet.start()
    try Self.start(
      fleet, "web", "w",
      """
      ( setsid bash -c 'trap "" TERM HUP INT QUIT; echo $$ >"$LOOOP_DATA_DIR/reports/pid"; while :; do echo x >>late; sleep 0.01; done' & )
      while [ ! -e late ]; do sleep 0.02; done
      pid=$PPID
      until tr '\\0' ' ' </proc/$pid/cmdline | grep -q -- --detached-id; do read -r _ _ _ pid _ </proc/$pid/stat; done
      kill -9 $pid
      """)
    #expect(try eventually(within: 30) { try Self.rows(fleet, "w", "parked").count == 1 }, "\(fleet.log)")
    #expect(eventually(within: 20) { fleet.log.contains("sandbox of w: parked") }, "\(fleet.log)")
    #expect(fleet.log.contains("worker w left processes behind; they were ended"), "\(fleet.log)")
    #expect(!fleet.log.contains("sandbox of w: kept"), "it was not even tried before: \(fleet.log)")
    let pid = FileReading.of(fleet.dataDir("web").reports.appending("pid")).text?.split(separator: "\n").last
    #expect(pid.flatMap { Int32($0) }.map { ProcessIdentity.of($0) == nil } == true)
    let parked = try fleet.git("web", "show", "refs/looop/parked/w:late").output
    #expect(!parked.isEmpty && parked.split(separator: "\n").allSatisfy { $0 == "x" })
  }
}
