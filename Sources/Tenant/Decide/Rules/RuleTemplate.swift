/// `{{sensor-ci.signal.branch}}` in a rule's texts: replaced by what the snapshots say.
///
/// A sensor's words are data from outside. In a text that a shell will read, a value may only hold characters that mean nothing to a
/// shell; anything else needs `{{… | quote}}`, which makes one shell word of it (to be written outside of quotes).
enum RuleTemplate {
  static func render(_ text: String, _ world: [String: JSON], isShell: Bool) throws(RuleFault) -> String {
    var out = ""
    var rest = text[...]
    while let open = rest.range(ofText: "{{") {
      out += rest[..<open.lowerBound]
      guard let close = rest[open.upperBound...].range(ofText: "}}") else {
        throw RuleFault(reason: "\"{{\" without its \"}}\"")
      }
      let inner = String(rest[open.upperBound..<close.lowerBound]).trimmedSpace
      // `{{prompt_file}}` is the runner's placeholder, and `{{.Name}}` another program's template: neither is ours.
      let isOurs = inner != "prompt_file" && !inner.hasPrefix(".")
      out += isOurs ? try value(inner, world, isShell: isShell) : String(rest[open.lowerBound..<close.upperBound])
      rest = rest[close.upperBound...]
    }
    return out + rest
  }

  private static func value(_ inner: String, _ world: [String: JSON], isShell: Bool) throws(RuleFault) -> String {
    let parts = inner.split(separator: "|").map { String($0).trimmedSpace }
    guard let place = parts.first, !place.isEmpty, parts.count <= 2 else {
      throw RuleFault(reason: "{{\(inner)}} is not {{snapshot.path}} or {{snapshot.path | quote}}")
    }
    guard parts.count == 1 || parts[1] == "quote" else {
      throw RuleFault(reason: "{{\(inner)}}: the only filter is \"quote\"")
    }
    let dot = place.firstIndex(of: ".")
    let snapshot = dot.map { String(place[..<$0]) } ?? place
    guard let json = world[snapshot] else {
      throw RuleFault(reason: "{{\(inner)}}: there is no snapshot \"\(snapshot)\"")
    }
    let path = try SnapshotPath(dot.map { String(place[place.index(after: $0)...]) } ?? "")
    let values = path.values(in: json)
    guard let first = values.first else {
      throw RuleFault(reason: "{{\(inner)}}: \(snapshot).json has nothing at that path")
    }
    let text =
      values.count == 1 ? plain(first) : values.map(plain).joined(separator: path.segments.contains("*") ? " " : "")
    if parts.count == 2 { return text.shellWord }
    if isShell, let bad = text.unicodeScalars.first(where: { !isHarmless($0) }) {
      let shown = bad.value < 0x20 ? "a control character" : "\"\(bad)\""
      throw RuleFault(
        reason: "{{\(inner)}} holds \(shown), which a shell would read; write {{\(place) | quote}} outside of quotes")
    }
    return text
  }

  private static func plain(_ value: JSON) -> String { value.string ?? value.compact }

  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", " ", ".", "_", "/", ":", "@", "%", "+", "=", ",", "-": true
    default: scalar.value > 0x7F && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
    }
  }
}

extension Substring {
  func range(ofText other: String) -> Range<Index>? {
    let needle = Array(other.utf8)
    var index = utf8.startIndex
    while index < utf8.endIndex {
      if utf8[index...].starts(with: needle) { return index..<utf8.index(index, offsetBy: needle.count) }
      index = utf8.index(after: index)
    }
    return nil
  }
}
