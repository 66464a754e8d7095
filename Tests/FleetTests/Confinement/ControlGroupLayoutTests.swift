import Fleet
import SystemPackage
import Testing

@Suite struct ControlGroupLayoutTests {
  struct Host: Sendable, CustomTestStringConvertible {
    var name: String
    var mounts: String
    var own: String
    var expected: ControlGroupLayout
    var testDescription: String { name }
  }

  static let hosts = [
    Host(
      name: "one v2 hierarchy",
      mounts: "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate",
      own: "0::/system.slice/looop-fleet.service\n",
      expected: ControlGroupLayout(unified: "/sys/fs/cgroup", ownGroup: "/system.slice/looop-fleet.service")),
    Host(
      name: "hybrid",
      mounts: """
        25 24 0:22 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
        26 24 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        27 24 0:24 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
        28 24 0:25 / /sys/fs/cgroup/systemd rw - cgroup systemd rw,name=systemd
        29 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        """,
      own: "4:memory:/x\n0::/\n",
      expected: ControlGroupLayout(
        unified: "/sys/fs/cgroup/unified", ownGroup: "/",
        legacy: [
          "cpu": "/sys/fs/cgroup/cpu,cpuacct", "memory": "/sys/fs/cgroup/memory", "pids": "/sys/fs/cgroup/pids",
        ])),
    Host(
      name: "v1 alone", mounts: "26 24 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", own: "4:memory:/\n",
      expected: ControlGroupLayout(legacy: ["memory": "/sys/fs/cgroup/memory"])),
    Host(
      name: "a container that may only read",
      mounts: "30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw", own: "0::/\n", expected: ControlGroupLayout()
    ),
    Host(
      name: "a part of the hierarchy, bound elsewhere",
      mounts: #"30 23 0:26 /pods/p1 /my\040groups rw master:2 - cgroup2 cgroup rw"#, own: "0::/pods/p1/fleet\n",
      expected: ControlGroupLayout(unified: "/my groups", ownGroup: "/fleet")),
    Host(
      name: "our group is not below what is mounted", mounts: "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw",
      own: "0::/../elsewhere\n", expected: ControlGroupLayout(unified: "/sys/fs/cgroup")),
    Host(name: "nothing, and a broken line", mounts: "30 23 0:26 / \n", own: "", expected: ControlGroupLayout()),
  ]

  @Test(arguments: hosts) func `the layout is read from the mount table`(_ host: Host) {
    #expect(ControlGroupLayout.parse(mountinfo: host.mounts, ownGroups: host.own) == host.expected)
  }

  @Test func `a host without v2 gives no groups, and says so`() {
    let groups = ControlGroups.open(ControlGroupLayout(), name: "x", delegated: nil, isRoot: true)
    #expect(!groups.offer.hasGroups)
    #expect(groups.offer.reason == "no cgroup v2 hierarchy is mounted for writing")
    #expect(groups.isPopulated(.tenant("a")) == nil)
    #expect(groups.memberFiles(of: .tenant("a")).isEmpty)
    #expect(groups.usage(.tenant("a")) == nil)
  }

  @Test(arguments: ["../../etc", "a/b", "", "a b", String(repeating: "x", count: 300)])
  func `a name that is no directory's is refused`(_ name: String) {
    #expect(ControlGroup.tenant(name).isValid == name.isEmpty)
  }

  @Test func `a fleet's group is the same after a restart, and another for another fleet`() {
    #expect(Confinement.Options.groupName(stateDirectory: "/var/lib/looop-fleet") == "looop-fleet")
    let one = Confinement.Options.groupName(stateDirectory: "/home/a/state")
    #expect(one == Confinement.Options.groupName(stateDirectory: "/home/a/x/../state"))
    #expect(one != Confinement.Options.groupName(stateDirectory: "/home/b/state"))
  }
}
