import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// What is read from the kernel's files, on hosts of each kind: a directory stands in for the mounts.
@Suite struct ControlGroupFilesTests {
  struct Host: Sendable, CustomTestStringConvertible {
    var name: String
    var controllers = ""
    var legacy: [String: FilePath] = [:]
    var files: [String: String]
    var usage: ControlGroupUsage?
    var kills: Int64 = 0
    var throttlings: Int64 = 0
    var testDescription: String { name }
  }

  private static let cpuStat = "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n"

  static let hosts = [
    Host(
      name: "v2 with all controllers", controllers: "cpu io memory pids\n",
      files: [
        "v2/f/t-web/cpu.stat": cpuStat + "nr_periods 9\nnr_throttled 3\n", "v2/f/t-web/memory.current": "67108864\n",
        "v2/f/t-web/pids.current": "7\n",
        "v2/f/t-web/memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\noom_group_kill 1\n",
      ], usage: ControlGroupUsage(cpuSeconds: 2.5, memoryBytes: 64 << 20, processes: 7), kills: 2, throttlings: 3),
    Host(
      name: "hybrid: limits are v1's, CPU time is v2's",
      legacy: ["memory": "v1/memory", "cpu": "v1/cpu"],
      files: [
        "v2/f/t-web/cpu.stat": cpuStat, "v1/memory/f/t-web/memory.usage_in_bytes": "4096\n",
        "v1/memory/f/t-web/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
        "v1/cpu/f/t-web/cpu.stat": "nr_periods 4\nnr_throttled 2\nthrottled_time 12\n",
        // What a v1 hierarchy beside it says of memory is no v2 file.
        "v2/f/t-web/memory.current": "1\n",
      ], usage: ControlGroupUsage(cpuSeconds: 2.5, memoryBytes: 4096), kills: 5, throttlings: 2),
    Host(
      name: "v2 without controllers", files: ["v2/f/t-web/cpu.stat": cpuStat],
      usage: ControlGroupUsage(cpuSeconds: 2.5, memoryBytes: nil)),
    Host(
      name: "a memory file that says nothing", controllers: "memory\n",
      files: ["v2/f/t-web/cpu.stat": cpuStat, "v2/f/t-web/memory.current": "max\n"],
      usage: ControlGroupUsage(cpuSeconds: 2.5, memoryBytes: nil)),
    Host(name: "a group that is gone", controllers: "cpu memory pids\n", files: [:], usage: nil),
    Host(
      name: "a file that is cut", controllers: "memory\n", files: ["v2/f/t-web/cpu.stat": "usage_us"], usage: nil),
  ]

  @Test(arguments: hosts) func `use is read from where this host counts it`(_ host: Host) throws {
    let scratch = try ScratchDirectory()
    try scratch.write("", to: "v2/f/cgroup.kill")
    try scratch.write(host.controllers, to: "v2/f/cgroup.controllers")
    for (path, text) in host.files { try scratch.write(text, to: path) }
    let layout = ControlGroupLayout(
      unified: scratch.appending("v2"), ownGroup: "/",
      legacy: host.legacy.mapValues { scratch.path.appending($0.components) })
    let groups = ControlGroups.open(layout, name: "f", delegated: nil, isRoot: true)
    #expect(groups.offer.hasGroups)
    #expect(groups.usage(.tenant("web")) == host.usage)
    #expect(groups.memoryKills(.tenant("web")) == host.kills)
    #expect(groups.throttlings(.tenant("web")) == host.throttlings)
  }
}
