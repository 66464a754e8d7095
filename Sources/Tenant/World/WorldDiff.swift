/// What has changed since the last decision, in lines for the prompt. Pure: it compares the items of two worlds.
package enum WorldDiff {
  /// A hostile or broken sensor must not fill the prompt.
  static let maximumLines = 200
  static let maximumValue = 240

  /// Lines for WHAT CHANGED, or `nil` where there is no baseline yet. `baseline` is `.last-world.json`.
  package static func lines(baseline: JSON?, world: World) -> [String]? {
    guard let old = baseline?.object?.compactMapValues(\.string) else { return nil }
    let new = world.items
    let keys = Set(old.keys).union(new.keys).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var lines = keys.compactMap { line(for: $0, old: old[$0], new: new[$0]) }
    if lines.isEmpty { return ["(nothing differs from your last decision: this re-decide was forced)"] }
    if lines.count > maximumLines {
      let omitted = lines.count - maximumLines
      lines.removeLast(omitted)
      lines.append("… (\(omitted) more changes omitted)")
    }
    return lines
  }

  private static func line(for item: String, old: String?, new: String?) -> String? {
    let isSnapshot = item.hasPrefix("snap:")
    switch (old, new) {
    case (nil, nil): return nil
    case (nil, let new?):
      return isSnapshot ? "+ \(item) appeared: \(clip(new))" : "+ \(item) appeared (body above)"
    case (_?, nil): return "- \(item) gone"
    case (let old?, let new?):
      guard old != new else { return nil }
      if isSnapshot { return "~ \(item) signal: \(clip(old)) → \(clip(new))" }
      if new == "!unreadable" { return "~ \(item) is now unreadable" }
      return "~ \(item) edited (body above)"
    }
  }

  /// By character, so that no character is cut in half.
  private static func clip(_ text: String) -> String {
    let line = String(text.map { $0.isNewline ? " " : $0 })
    return line.count > maximumValue ? line.prefix(maximumValue) + "…" : line
  }
}
