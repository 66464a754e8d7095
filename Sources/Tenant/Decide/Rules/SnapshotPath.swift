/// A way into a snapshot: `signal.items.0.name`. Keys and list places, joined by dots; `*` is every element or member, and `#` is
/// how many there are.
struct SnapshotPath: Hashable, Sendable {
  var segments: [String]

  init(_ text: String) throws(RuleFault) {
    segments = text.isEmpty ? [] : text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !segments.contains("") else { throw RuleFault(reason: "the path \"\(text)\" has an empty part") }
  }

  /// What stands there: none, one, or with `*` any number.
  func values(in json: JSON) -> [JSON] { Self.values(json, segments[...]) }

  private static func values(_ json: JSON, _ rest: ArraySlice<String>) -> [JSON] {
    guard let segment = rest.first else { return [json] }
    let tail = rest.dropFirst()
    switch (segment, json) {
    case ("*", .array(let elements)): return elements.flatMap { values($0, tail) }
    case ("*", .object(let members)):
      return members.flatMap { values($0.value, tail) }
    case ("#", .array(let elements)): return values(.int(Int64(elements.count)), tail)
    case ("#", .object(let members)) where members["#"] == nil: return values(.int(Int64(members.count)), tail)
    case (_, .object(let members)): return members[segment].map { values($0, tail) } ?? []
    case (_, .array(let elements)):
      guard let place = Int(segment), elements.indices.contains(place) else { return [] }
      return values(elements[place], tail)
    case (_, .null), (_, .bool), (_, .int), (_, .double), (_, .string): return []
    }
  }
}
