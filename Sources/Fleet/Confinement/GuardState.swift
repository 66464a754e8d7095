package import Tenant

/// One guard around the tenants: what it is, whether it holds, and what to do where it does not.
/// *Shape*: `{"name":"memory","enforced":true,"detail":"…","level":"enforced","hint":null}`
package struct GuardState: Hashable, Sendable {
  package enum Level: String, Sendable, CaseIterable { case enforced, weaker, absent }

  package var name: String
  package var level: Level
  package var detail: String
  /// What an operator can do about it.
  package var hint: String?

  package init(_ name: String, _ level: Level, _ detail: String, hint: String? = nil) {
    self.name = name
    self.level = level
    self.detail = detail
    self.hint = hint
  }

  package var isEnforced: Bool { level == .enforced }

  package var json: JSON {
    [
      "name": .string(name), "enforced": .bool(isEnforced), "detail": .string(detail), "level": .string(level.rawValue),
      "hint": .optional(hint),
    ]
  }
}

/// A guard that the configuration requires and the host does not give: `serve` must not start.
package struct MissingGuards: Error, Hashable, Sendable, CustomStringConvertible {
  package var guards: [GuardState]

  package var description: String {
    "required and not enforced: "
      + guards.map { "\($0.name) (\($0.level.rawValue): \($0.detail))" }.joined(separator: "; ")
  }

  /// With a user of its own most of the others come by themselves.
  package var hint: String? { (guards.filter { $0.name == "user" } + guards).lazy.compactMap(\.hint).first }
}

extension [GuardState] {
  /// Throws unless every required guard is enforced in full. A name that is no guard counts as missing: a typing error must not
  /// switch a guard off.
  package func check(required names: some Sequence<String>) throws(MissingGuards) {
    let missing = names.sorted().compactMap { name -> GuardState? in
      guard let state = first(where: { $0.name == name }) else {
        return GuardState(name, .absent, "there is no such guard")
      }
      return state.isEnforced ? nil : state
    }
    if !missing.isEmpty { throw MissingGuards(guards: missing) }
  }
}
