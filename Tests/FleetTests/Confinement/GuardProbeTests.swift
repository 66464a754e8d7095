import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  @Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: Confining.isPossible, Confining.reason))
  struct GuardProbeTests {
    private func options(_ looop: FilePath) -> Confinement.Options {
      var options = Confinement.Options(looop: looop, environment: HostEnvironment([:]), stateDirectory: "/nowhere")
      options.controlGroup = "looop-fleet-probe-\(getpid())"
      return options
    }

    @Test func `what this host offers holds when it is tried`() throws {
      setenv("LOOOP_PROBE_SECRET", "1", 1)
      let confinement = Confinement(options(BuiltProducts.looop))
      defer { confinement.groups.removeBase() }
      let offer = confinement.policy.offer
      for state in confinement.guards([]) {
        let offered: Bool =
          switch state.name {
          case "memory": offer.controlGroups.memory != nil
          case "cpu": offer.controlGroups.cpu != nil
          case "pids": offer.controlGroups.processes != nil
          case "cgroup": offer.controlGroups.hasGroups
          case "landlock": offer.landlockABI >= 3
          default: true
          }
        #expect(state.isEnforced == offered, "\(state)")
      }
      #expect(confinement.groups.present().isEmpty)
    }

    @Test func `a trampoline that does not run is no guard at all`() throws {
      let confinement = Confinement(options("/bin/false"))
      defer { confinement.groups.removeBase() }
      let guards = confinement.guards([])
      for name in ["user", "no_new_privileges", "environment", "landlock"] {
        #expect(guards.first { $0.name == name }?.level == .absent)
      }
      #expect(throws: MissingGuards.self) { try guards.check(required: ["user"]) }
    }
  }
}
