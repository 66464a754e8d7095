package import Tenant

/// One thing that `doctor` looked at: how it is, and what to do about it.
package struct DoctorCheck: Hashable, Sendable {
  package enum Verdict: String, Sendable, CaseIterable {
    case ok
    /// Works, but less well or less safely than it could.
    case warn
    /// Something does not work because of it.
    case fail
  }

  package var name: String
  package var verdict: Verdict
  package var detail: String
  /// What to do; nil where nothing is to be done.
  package var fix: String?

  package init(_ name: String, _ verdict: Verdict, _ detail: String, fix: String? = nil) {
    self.name = name
    self.verdict = verdict
    self.detail = detail
    self.fix = fix
  }

  package var json: JSON {
    [
      "name": .string(name), "verdict": .string(verdict.rawValue), "detail": .string(detail), "fix": .optional(fix),
    ]
  }
}

/// What the checks are judged from. Gathered once, by ``DoctorFacts/gather(paths:environment:)`` and over the control socket.
package struct DoctorFacts: Sendable {
  package struct TenantFact: Sendable {
    package var name: String
    package var dataDir: String
    package var dataDirExists: Bool
    package var user: String?
    package var userExists: Bool
    /// Groups of its user that give more than a tenant should have.
    package var powers: [String]

    package init(
      name: String, dataDir: String, dataDirExists: Bool, user: String?, userExists: Bool, powers: [String] = []
    ) {
      self.powers = powers
      self.name = name
      self.dataDir = dataDir
      self.dataDirExists = dataDirExists
      self.user = user
      self.userExists = userExists
    }
  }

  package var userID: UInt32 = 0
  package var configurationDir = ""
  /// Files of it that every user of this host can read.
  package var openConfiguration: [String] = []
  /// `file:line: message` and what to do.
  package var configurationProblems: [(text: String, hint: String?)] = []
  package var tenants: [TenantFact] = []
  /// Programs that are looked for, and where they were found.
  package var programs: [String: String?] = [:]
  package var stateDir = ""
  package var stateDirProblem: String?
  package var freeBytes: Int64?
  package var freeFloor: Int64 = 1 << 30
  package var openFiles: UInt64?
  package var watchInstances: Int64?
  package var watchPlaces: Int64?
  package var landlock = 0
  /// What a take-over watches of a tenant: its data dir, and seven directories in it.
  static let watchesEach = 8
  /// The running fleet's document, or why there is none.
  package var document: FleetDocument?
  package var absence: FleetRefusal?

  package init() {}
}

/// Turns facts into checks. Pure.
package enum Doctor {
  package static func checks(_ facts: DoctorFacts) -> [DoctorCheck] {
    configuration(facts) + tenants(facts) + programs(facts) + host(facts) + fleet(facts)
  }

  package static func exitStatus(_ checks: [DoctorCheck]) -> Int32 {
    checks.contains { $0.verdict == .fail } ? 1 : 0
  }

  private static func configuration(_ facts: DoctorFacts) -> [DoctorCheck] {
    guard facts.configurationProblems.isEmpty else {
      return facts.configurationProblems.map { DoctorCheck("configuration", .fail, $0.text, fix: $0.hint) }
    }
    if facts.tenants.isEmpty {
      return [
        DoctorCheck(
          "configuration", .warn, "\(facts.configurationDir) names no tenants",
          fix: "looop-fleet init, then looop-fleet tenant add NAME --data-dir DIR")
      ]
    }
    if let first = facts.openConfiguration.first {
      let more = facts.openConfiguration.count - 1
      return [
        DoctorCheck(
          "configuration", .warn,
          "every user of this host can read \(first)\(more > 0 ? " and \(more) more" : ""), with what keys and addresses are in it",
          fix: "chmod -R o-rwx \(AskText.shellWord(facts.configurationDir))")
      ]
    }
    return [
      DoctorCheck(
        "configuration", .ok,
        "\(facts.tenants.count) \(facts.tenants.count == 1 ? "tenant" : "tenants") in \(facts.configurationDir)")
    ]
  }

  private static func tenants(_ facts: DoctorFacts) -> [DoctorCheck] {
    var checks: [DoctorCheck] = []
    for tenant in facts.tenants {
      let name = "tenant \(tenant.name)"
      if !tenant.dataDirExists {
        let owner = tenant.user.map { "-o \($0) " } ?? ""
        checks.append(
          DoctorCheck(
            name, .fail, "its data dir \(tenant.dataDir) is not there",
            fix: "install -d \(owner)-m 0700 \(AskText.shellWord(tenant.dataDir))"))
      }
      guard let user = tenant.user else { continue }
      if !tenant.userExists {
        checks.append(
          DoctorCheck(
            name, .fail, "there is no user \(user)", fix: "useradd --system --create-home \(AskText.shellWord(user))"))
      } else if facts.userID != 0 {
        checks.append(
          DoctorCheck(
            name, .warn, "it wants to run as \(user), which only a fleet of root can do",
            fix: "run the fleet as root, or take `user:` out"))
      }
      if !tenant.powers.isEmpty {
        let groups = tenant.powers.joined(separator: ", ")
        checks.append(
          DoctorCheck(
            name, .warn,
            "its user \(user) is in \(groups): so are its agents, and what these give reaches beyond the tenant",
            fix: "give the tenant a user of its own: looop-fleet tenant add NAME --create-user; or gpasswd -d "
              + "\(AskText.shellWord(user)) \(tenant.powers[0])"))
      }
    }
    return checks
  }

  private static func programs(_ facts: DoctorFacts) -> [DoctorCheck] {
    facts.programs.sorted { $0.key < $1.key }.map { name, path in
      guard let path else {
        let isNeeded = name == "looop" || name == "bash"
        return DoctorCheck(
          name, isNeeded ? .fail : .warn, "the program \(name) is not found",
          fix: name == "looop" ? "put it beside looop-fleet, or into PATH" : "install it: apt-get install \(name)")
      }
      return DoctorCheck(name, .ok, path)
    }
  }

  private static func host(_ facts: DoctorFacts) -> [DoctorCheck] {
    var checks: [DoctorCheck] = []
    if let problem = facts.stateDirProblem {
      checks.append(DoctorCheck("state", .fail, problem, fix: "make \(facts.stateDir) writable for the fleet's user"))
    }
    if let free = facts.freeBytes {
      let isLow = free < facts.freeFloor
      checks.append(
        DoctorCheck(
          "disk", isLow ? .fail : .ok, "\(Display.bytes(free)) free in \(facts.stateDir)",
          fix: isLow
            ? "make room: looop-fleet sandbox prune; new workers wait below \(Display.bytes(facts.freeFloor))" : nil))
    }
    // A tenant keeps two descriptors open (its lock, its watches), and a beat needs a few more.
    let wanted = UInt64(facts.tenants.count * 4 + 256)
    if let limit = facts.openFiles, limit < wanted {
      checks.append(
        DoctorCheck(
          "open files", .fail, "the limit is \(limit), and \(facts.tenants.count) tenants need about \(wanted)",
          fix: "raise it: LimitNOFILE= in the unit, or ulimit -n \(wanted)"))
    }
    checks += watches(facts)
    checks.append(
      facts.landlock >= LandlockSupport.leastABI
        ? DoctorCheck("landlock", .ok, "the kernel has Landlock, version \(facts.landlock)")
        : DoctorCheck(
          "landlock", .warn, "the kernel offers no Landlock that can be used: file access is limited by users alone",
          fix: "Linux 5.19 or later with landlock among its security modules (lsm=landlock,…)"))
    return checks
  }

  /// One inotify instance for each Unix user's tenants, and a few watches a tenant; all are counted as the
  /// supervisor's own. Without room a take-over fails, and that tenant does not run.
  private static func watches(_ facts: DoctorFacts) -> [DoctorCheck] {
    let users = Int64(Set(facts.tenants.map(\.user)).count)
    let wanted = Int64(facts.tenants.count * DoctorFacts.watchesEach)
    return [
      ("max_user_instances", facts.watchInstances, users + 16), ("max_user_watches", facts.watchPlaces, wanted + 1024),
    ]
    .compactMap { key, limit, least in
      guard let limit, limit < least else { return nil }
      return DoctorCheck(
        "inotify", .warn,
        "\(key) is \(limit), and \(facts.tenants.count) tenants need about \(least): others are not taken over",
        fix: "sysctl fs.inotify.\(key)=\(max(1024, least * 2))")
    }
  }

  private static func fleet(_ facts: DoctorFacts) -> [DoctorCheck] {
    guard let document = facts.document else {
      let absence = facts.absence
      let isDown = absence?.class == .notRunning
      return [
        DoctorCheck("fleet", isDown ? .warn : .fail, absence?.message ?? "it does not answer", fix: absence?.hint)
      ]
    }
    var checks = [DoctorCheck("fleet", .ok, "version \(document.version) runs, pid \(document.pid)")]
    for item in document.guards {
      checks.append(
        DoctorCheck(
          "guard \(item.name)", item.enforced ? .ok : .warn,
          item.enforced ? item.detail : "\(item.level.rawValue)\(item.detail.isEmpty ? "" : ": \(item.detail)")",
          fix: item.enforced ? nil : item.hint ?? Self.requireIt)
      )
    }
    for row in document.tenants where !row.phase.isWell {
      checks.append(
        DoctorCheck(
          "tenant \(row.name)", .warn, "\(row.phase.rawValue): \(row.reason ?? row.phase.meaning)",
          fix: fix(row, document)))
    }
    return checks
  }

  private static let requireIt =
    "nothing to be done on this host; named in `require:` of fleet.yaml, the fleet does not start without it"

  private static func fix(_ row: TenantRow, _ document: FleetDocument) -> String {
    switch row.phase {
    // It is not the money that is missing.
    case .held where document.guards.contains { $0.name == "budget" && !$0.enforced }:
      "make the ledger usable again: see the check `guard budget`"
    case .held where document.budget?.state == "held": "looop-fleet budget raise --fleet USD, or wait for the reset"
    case .held: "looop-fleet budget raise \(row.name) USD, or wait for the reset"
    case .degraded, .quarantined: "looop-fleet logs \(row.name)"
    case .foreign: "stop the other loop: LOOOP_DATA_DIR=\(row.dataDir ?? "DIR") looop down"
    case .running, .paused: "looop-fleet tenant resume \(row.name)"
    }
  }
}
