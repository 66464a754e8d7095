import Fleet
import SystemPackage
import Tenant
import TestSupport
import Testing

@Suite struct DoctorTests {
  func facts() async -> DoctorFacts {
    var facts = DoctorFacts()
    facts.configurationDir = "/etc/looop-fleet"
    facts.tenants = [.init(name: "web", dataDir: "/srv/web", dataDirExists: true, user: "alice", userExists: true)]
    facts.programs = ["looop": "/usr/bin/looop", "bash": "/bin/bash", "git": "/usr/bin/git"]
    facts.stateDir = "/var/lib/looop-fleet"
    facts.freeBytes = 50 << 30
    facts.openFiles = 4096
    facts.watchInstances = 1024
    facts.landlock = 7
    facts.document = await InMemoryFleet().document()
    return facts
  }

  func verdict(_ name: String, _ facts: DoctorFacts) -> DoctorCheck.Verdict? {
    Doctor.checks(facts).filter { $0.name == name }.map(\.verdict).max { rank($0) < rank($1) }
  }

  private func rank(_ verdict: DoctorCheck.Verdict) -> Int { DoctorCheck.Verdict.allCases.firstIndex(of: verdict) ?? 0 }

  @Test func `a healthy host has nothing to fail`() async {
    let checks = Doctor.checks(await facts())
    #expect(!checks.contains { $0.verdict == .fail })
    #expect(Doctor.exitStatus(checks) == 0)
  }

  @Test func `each trouble has its own check and says what to do`() async {
    let good = await facts()
    let troubles: [(String, DoctorCheck.Verdict, (inout DoctorFacts) -> Void)] = [
      ("configuration", .fail, { $0.configurationProblems = [("tenants.d/x.yaml:3: unknown key", "did you mean")] }),
      ("configuration", .warn, { $0.tenants = [] }),
      ("tenant web", .fail, { $0.tenants[0].dataDirExists = false }),
      ("tenant web", .fail, { $0.tenants[0].userExists = false }),
      ("tenant web", .warn, { $0.userID = 1000 }),
      ("tenant web", .warn, { $0.tenants[0].powers = ["looop-ops", "docker"] }),
      ("configuration", .warn, { $0.openConfiguration = ["/etc/looop-fleet/fleet.yaml"] }),
      ("looop", .fail, { $0.programs["looop"] = .some(nil) }),
      ("git", .warn, { $0.programs["git"] = .some(nil) }),
      ("state", .fail, { $0.stateDirProblem = "not writable" }),
      ("disk", .fail, { $0.freeBytes = 100 }),
      ("open files", .fail, { $0.openFiles = 64 }),
      ("inotify", .warn, { $0.watchInstances = 10 }),
      ("inotify", .warn, { $0.watchPlaces = 100 }),
      ("landlock", .warn, { $0.landlock = 0 }),
      ("tenant web", .warn, { $0.document?.tenants = [InMemoryFleet.row("web", phase: .foreign)] }),
      ("guard landlock", .warn, { _ in }),
      (
        "fleet", .warn,
        {
          $0.document = nil
          $0.absence = FleetRefusal(.notRunning, "not running", hint: "start it")
        }
      ),
      (
        "fleet", .fail,
        {
          $0.document = nil
          $0.absence = FleetRefusal(.timeout, "no answer", hint: "see the log")
        }
      ),
    ]
    for (name, expected, break_) in troubles {
      var facts = good
      break_(&facts)
      #expect(verdict(name, facts) == expected, "\(name)")
      for check in Doctor.checks(facts) where check.verdict != .ok {
        #expect(check.fix?.isEmpty == false, "\(check.name) says what to do")
      }
    }
  }

  @Test func `what is to be done about a guard is the guard's own word`() async throws {
    var facts = await facts()
    facts.document?.guards = [
      .init(name: "memory", enforced: false, detail: "none", hint: "enable the memory controller"),
      .init(name: "landlock", enforced: false, detail: "switched off"),
      .init(name: "user", enforced: true, detail: "apart", hint: "never shown"),
    ]
    let checks = Doctor.checks(facts).filter { $0.name.hasPrefix("guard ") }
    #expect(checks.map(\.name) == ["guard memory", "guard landlock", "guard user"])
    #expect(checks[0].fix == "enable the memory controller")
    #expect(checks[1].fix?.contains("require:") == true)
    #expect(checks[2].fix == nil)
  }

  @Test func `this host can be looked at`() throws {
    let scratch = try ScratchDirectory()
    let paths = FleetPaths(
      configuration: scratch.appending("etc"), state: scratch.appending("state"), socket: scratch.appending("s.sock"))
    let facts = DoctorFacts.gather(paths: paths, environment: .current(), programs: ["bash", "no-such-program"])
    #expect(facts.programs["bash"]??.hasSuffix("bash") == true)
    #expect(facts.programs["no-such-program"] == .some(nil))
    #expect((facts.freeBytes ?? 0) > 0)
    #expect((facts.watchInstances ?? 0) >= 128)
    #expect((facts.openFiles ?? 0) > 0)
  }
}
