/// Colours of the terminal, or none (`NO_COLOR`, no terminal). All that is said is said without them too.
package struct Paint: Hashable, Sendable {
  package enum Style: String, Sendable {
    case plain = ""
    case good = "32"
    case warning = "33"
    case bad = "31"
    case faint = "2"
    case strong = "1"
  }

  package var isOn: Bool

  package init(isOn: Bool) { self.isOn = isOn }

  package func callAsFunction(_ style: Style, _ text: String) -> String {
    isOn && style != .plain ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }

  static func style(of phase: TenantPhase) -> Style {
    switch phase {
    case .running: .good
    case .paused, .held, .foreign: .warning
    case .degraded, .quarantined: .bad
    }
  }
}
