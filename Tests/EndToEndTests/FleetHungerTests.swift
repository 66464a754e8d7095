import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A tenant that takes all it can get, and one that will not go: others' beats and processes do not feel it.
@Suite(
  .serialized, .timeLimit(.minutes(5)), .enabled(if: geteuid() == 0, "needs root: tenants of two Unix users"))
struct FleetHungerTests {
  static let users = ["looopht1", "looopht2"]

  private func fleet(_ hungry: String) throws -> FleetUnderTest {
    let fleet = try FleetUnderTest(fleet: "  require: [user, cgroup]\n")
    try fleet.makeTenant("hungry", yaml: "user: \(Self.users[0])\n\(hungry)")
    try fleet.makeTenant("calm", sensors: ["beats": BeatTimes.sensor], yaml: "user: \(Self.users[1])\n")
    for (name, user) in zip(["hungry", "calm"], Self.users) {
      chmod(fleet.dataDir(name).root.string, 0o700)
      try UnixUsers.give(fleet.dataDir(name).root, to: user)
    }
    return fleet
  }

  private static let limits =
    "workers: { max: 6, memory_max: 64M, pids_max: 64, cpu: 0.5 }\ntotal: { memory_max: 256M, pids_max: 192, cpu: 1 }\n"

  /// Each takes one thing for some seconds, and says how far it came.
  private static let hungers = [
    "processes": "for i in $(seq 300); do sleep 5 & done; jobs -p | wc -l; sleep 3",
    "disk": "dd if=/dev/zero of=fill bs=1M count=400 2>&1; sync fill; rm fill; sleep 2",
    "descriptors": """
    for i in 1 2 3 4; do /usr/bin/python3 -c '
    import os,time
    n=0
    try:
      while True: os.open("/dev/null",0); n+=1
    except OSError: print(n,flush=True)
    time.sleep(3)' & done; wait
    """,
    "watches": """
    /usr/bin/python3 -c '
    import ctypes,os,time
    c=ctypes.CDLL(None); n=0
    while c.inotify_init1(0)>=0 and n<2000: n+=1
    print(n,flush=True); time.sleep(3)'
    """,
  ]

  @Test(.enabled(if: ControlGroupHost.limitsMemory, "needs a memory controller for control groups"))
  func
    `a tenant that eats memory, processes, disk, descriptors and watches makes nobody late, and its memory kill is told`()
    throws
  {
    let users = try UnixUsers(Self.users)
    let fleet = try fleet(Self.limits)
    try fleet.start()
    let beats = BeatTimes(fleet.dataDir("calm"))
    let began = BeatTimes.now
    try #require(eventually(within: 30, every: 50) { beats.times(since: began).count >= 8 }, "\(fleet.log)")
    let first = try #require(beats.times(since: began).first)
    let (calm, usual) = (beats.worst(since: first), beats.typical(since: first))

    let hungry = BeatTimes.now
    let (eater, user) = ("hungry", Self.users[0])
    try fleet.wish("well", of: eater, as: user, "sleep 300")
    try fleet.wish("memory", of: eater, as: user, "sleep 1; x=$(head -c 300M /dev/zero | tr '\\0' x); exit 3")
    for (id, script) in Self.hungers { try fleet.wish(id, of: eater, as: user, "{ \(script)\n} >reports/\(id) 2>&1") }
    #expect(
      try eventually(within: 60, every: 50) {
        try (["memory"] + Self.hungers.keys).allSatisfy { try fleet.worker(eater, $0)?["phase"]?.string == "exited" }
      }, "\(fleet.log)")
    // Twice as late as a rule, and the worst of many no worse than twice the worst of few, or one slow wake-up.
    let (late, usually) = (beats.worst(since: hungry), beats.typical(since: hungry))
    let words = "calm \(usual) s, at worst \(calm) s; beside the hungry one \(usually) s, at worst \(late) s"
    #expect(usually <= 2 * usual + Self.step, "\(words)")
    #expect(late <= max(2 * calm, Self.floor), "\(words)")

    // Each really was held, at its own limit: none of them at the machine's.
    func reported(_ id: String) -> String { fleet.scratch.read("tenants/hungry/reports/\(id)") ?? "" }
    #expect(reported("processes").contains("fork"), "\(reported("processes"))")
    let descriptors = reported("descriptors").split(separator: "\n").compactMap { Int($0) }
    #expect(descriptors.count == 4 && descriptors.allSatisfy { (100...16_384).contains($0) })
    #expect((Int(reported("watches").filter(\.isNumber)) ?? .max) < 2000)

    // One worker went, and everybody can read why; also once the supervisor that saw it is gone.
    let why = try #require(try fleet.worker(eater, "memory")?["reason"]?.string)
    #expect(why.contains("out of memory") && why.contains("64M"), "\(why)")
    #expect(try fleet.worker(eater, "well")?["phase"]?.string == "running")
    fleet.killSupervisor()
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.worker(eater, "memory")?["reason"]?.string == why }, "\(fleet.log)")
    #expect(try fleet.worker(eater, "well")?["phase"]?.string == "running")
    _ = users
  }

  @Test(.enabled(if: ControlGroupHost.limitsMemory, "needs a memory controller for control groups"))
  func `memory that ran out while nobody looked is told by the next supervisor`() throws {
    let users = try UnixUsers(Self.users)
    let fleet = try fleet(Self.limits)
    try fleet.start()
    try fleet.wish(
      "memory", of: "hungry", as: Self.users[0],
      "until [ -e go ]; do sleep 0.1; done; x=$(head -c 300M /dev/zero | tr '\\0' x); touch over; exit 3")
    try #require(
      try eventually(within: 20) { try fleet.worker("hungry", "memory")?["phase"]?.string == "running" }, "\(fleet.log)"
    )
    let pid = try #require(try fleet.worker("hungry", "memory")?["pid"]?.int)
    let holder = try #require(ProcessIdentity.of(Int32(pid)))
    fleet.killSupervisor()
    try fleet.scratch.write("", to: "tenants/hungry/go")
    #expect(eventually(within: 20) { !holder.isAlive })
    try fleet.start()
    #expect(
      try eventually(within: 20) {
        try fleet.worker("hungry", "memory")?["reason"]?.string?.contains("out of memory") == true
      }, "\(fleet.log)")
    _ = users
  }

  /// Thirty busy children that left the session, hear no signal and call themselves something else.
  private static let swarm = """
    for i in $(seq 30); do
      ( setsid bash -c 'trap "" TERM HUP INT QUIT; ( exec -a innocent bash -c "trap \\"\\" TERM HUP INT QUIT; while :; do :; done" ) & ' & )
    done
    until [ $(ps -u $(id -u) -o args= | grep -c '^innocent') -ge 30 ]; do sleep 0.1; done
    """

  private func innocents(_ user: String) throws -> Int {
    try UnixUsers.processes(of: user).count { $0.contains("innocent") }
  }

  @Test func `what a worker hides is gone with it and with its tenant, and the twin next door stays`() throws {
    let users = try UnixUsers(Self.users)
    let fleet = try fleet("workers: { max: 4, cpu: 1 }\n")
    try fleet.start()
    let (swarmer, neighbour) = (Self.users[0], Self.users[1])
    try fleet.wish("twin", of: "calm", as: neighbour, "exec -a innocent sleep 300")
    #expect(try eventually(within: 20) { try innocents(neighbour) == 1 }, "\(fleet.log)")

    // It ends its own session's holder first, so that nobody is left who knows its children.
    try fleet.wish("escape", of: "hungry", as: swarmer, Self.swarm + "\nkill -9 $PPID; sleep 300")
    #expect(try eventually(within: 40) { try innocents(swarmer) >= 30 }, "\(fleet.log)")
    #expect(
      try eventually(within: 20) { try UnixUsers.processes(of: swarmer).allSatisfy { !$0.contains("innocent") } },
      "\(fleet.log)")
    #expect(
      try eventually(within: 20) { try fleet.worker("hungry", "escape")?["phase"]?.string == "exited" }, "\(fleet.log)")

    try fleet.wish("again", of: "hungry", as: swarmer, Self.swarm + "\nsleep 300")
    #expect(try eventually(within: 40) { try innocents(swarmer) >= 30 }, "\(fleet.log)")
    #expect(try innocents(neighbour) == 1)
    let asked = HostClock.system.monotonic()
    #expect(try fleet.run("down", "--workers").exitCode == 0)
    #expect(HostClock.system.monotonic() - asked < 5)
    for user in Self.users {
      let left = try UnixUsers.processes(of: user)
      #expect(left.isEmpty)
    }
    // Drained is ended: the next supervisor brings nobody back.
    try fleet.start()
    #expect(try eventually(within: 20) { try fleet.phase("calm") == "running" })
    #expect(try fleet.workers().allSatisfy { $0["phase"]?.string == "exited" || $0["phase"]?.string == "failed" })
    #expect(try innocents(neighbour) == 0)
    _ = users
  }

  /// Seconds: what the shell of a sensor and its `date` take longer where both processors are busy.
  private static let step = 0.05
  /// Seconds: what one late wake-up on a loaded machine may cost without being anybody's hunger.
  private static let floor = 0.5
}

/// What the control groups of this machine can be tested for.
enum ControlGroupHost {
  static let limitsMemory: Bool = {
    guard geteuid() == 0 else { return false }
    let v2 = FileReading.of("/sys/fs/cgroup/cgroup.controllers", maximumBytes: 4096).text ?? ""
    return v2.split(separator: " ").contains("memory")
      || access("/sys/fs/cgroup/memory/memory.limit_in_bytes", W_OK) == 0
  }()
}
