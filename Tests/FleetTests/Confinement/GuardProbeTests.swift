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
      var options = Confinement.Options(
        looop: looop, environment: HostEnvironment(["OPERATORS_TOKEN": "1"]), stateDirectory: "/nowhere")
      options.controlGroup = "looop-fleet-probe-\(getpid())"
      return options
    }

    @Test func `what this host offers holds when it is tried`() throws {
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
          case "proc": confinement.policy.offer.hidesProcesses
          default: true
          }
        #expect(state.isEnforced == offered, "\(state)")
      }
      #expect(confinement.groups.present().isEmpty)
    }

    @Test(arguments: ["LOOOP_PROBE_SECRET", "OPERATORS_TOKEN"])
    func `a variable of ours that a child has is no allow-list`(_ leak: String) throws {
      let scratch = try ScratchDirectory()
      chmod(scratch.path.string, 0o755)
      let leaky = try scratch.write(
        "#!/bin/bash\nexport \(leak)=1\nexec '\(BuiltProducts.looop)' \"$@\"\n", to: "looop", mode: 0o755)
      let confinement = Confinement(options(leaky))
      defer { confinement.groups.removeBase() }
      let state = confinement.guards([]).first { $0.name == "environment" }
      #expect(
        state?.level == .absent && state?.detail.contains("variables of ours") == true, "\(String(describing: state))")
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

    @Test(.enabled(if: Bubblewrap.problem() == nil, "needs bubblewrap"))
    func `a bubblewrap that was tried and does not work starts no worker`() throws {
      var tenant = ConfinedTenant(
        name: "box", dataDirectory: "/srv/box", user: TenantUser.current(HostEnvironment([:])))
      tenant.bubblewrap = true
      let sound = Confinement(options(BuiltProducts.looop))
      defer { sound.groups.removeBase() }
      #expect(try sound.within(worker: tenant).contains(Bubblewrap.program.string))
      #expect(sound.guards([tenant]).first { $0.name == "bubblewrap" }?.isEnforced == true)
      let broken = Confinement(options("/bin/false"))
      #expect(broken.guards([tenant]).first { $0.name == "bubblewrap" }?.level == .absent)
      let error = #expect(throws: ConfinementProblem.self) { try broken.within(worker: tenant) }
      #expect(error?.hint?.contains("apt-get install bubblewrap") == true)
      tenant.bubblewrap = false
      #expect(try broken.within(worker: tenant).isEmpty)
    }

    @Test func `bwrap is root's own program, or it is none`() throws {
      let scratch = try ScratchDirectory()
      let good = try scratch.write("#!/bin/sh\n", to: "good", mode: 0o755)
      let open = try scratch.write("#!/bin/sh\n", to: "open", mode: 0o755)
      let inert = try scratch.write("#!/bin/sh\n", to: "inert", mode: 0o644)
      chmod(open.string, 0o777)
      #expect(Bubblewrap.problem(good) == nil)
      #expect(Bubblewrap.problem(scratch.appending("none"))?.contains("not there") == true)
      #expect(Bubblewrap.problem(open)?.contains("others than root") == true)
      #expect(Bubblewrap.problem(inert)?.contains("no program") == true)
      chown(good.string, 65534, 65534)
      #expect(Bubblewrap.problem(good) != nil)
    }
  }
}
