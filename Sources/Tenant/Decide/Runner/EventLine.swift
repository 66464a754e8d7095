/// One line of a runner's output: events, or plain text.
///
/// Real streams are not clean: an event may be injected in the middle of another one's line, two may be glued to one line, and
/// the last may be cut off. What can be recovered is; what cannot is named, so that the run counts as incomplete.
enum EventLine {
  struct Event {
    var json: JSON
    /// Its own bytes, one line.
    var raw: [UInt8]
  }

  case events([Event], torn: Bool)
  case text(String)

  /// How often a broken line is looked at again: a hostile line must cost linear time.
  private static let maximumAttempts = 16
  private static let maximumGlued = 1000

  static func read(_ line: [UInt8]) -> EventLine {
    guard let first = line.firstIndex(where: { $0 != 0x20 && $0 != 0x09 }) else { return .text("") }
    if line[first] == UInt8(ascii: "{") {
      // Losing the reason is right: a line that is no JSON is looked at for what it may hold.
      if let json = try? JSON(parsing: line), json.object != nil {
        return .events([Event(json: json, raw: line)], torn: false)
      }
      let (events, torn) = recover(line)
      if !events.isEmpty { return .events(events, torn: torn) }
      if looksLikeEvent(line, at: first) { return .events([], torn: true) }
    } else if holdsEvent(line) {
      // An event after text that did not end its line.
      let (events, _) = injected(line)
      if !events.isEmpty { return .events(events, torn: false) }
    }
    return .text(String(decoding: line, as: UTF8.self))
  }

  private static let opening = Array("{\"type\":".utf8)

  private static func looksLikeEvent(_ line: [UInt8], at index: Int) -> Bool {
    line[index...].starts(with: opening)
  }

  private static func holdsEvent(_ line: [UInt8]) -> Bool {
    var rest = line[...]
    while let brace = rest.firstIndex(of: opening[0]) {
      if looksLikeEvent(line, at: brace) { return true }
      rest = rest[(brace + 1)...]
    }
    return false
  }

  private static func recover(_ line: [UInt8]) -> (events: [Event], torn: Bool) {
    // Glued: whole events, one after the other.
    var glued: [Event] = []
    var start = 0
    while glued.count < maximumGlued, let next = line[start...].firstIndex(where: { $0 != 0x20 && $0 != 0x09 }) {
      guard line[next] == UInt8(ascii: "{"), let (json, end) = JSON.prefix(of: line, from: next), json.object != nil
      else { break }
      glued.append(Event(json: json, raw: Array(line[next..<end])))
      start = end
    }
    if !glued.isEmpty {
      let isWhole = line[start...].allSatisfy { $0 == 0x20 || $0 == 0x09 }
      let rest = isWhole ? [] : injected(Array(line[start...])).events
      return (glued + rest, !isWhole)
    }
    return injected(line)
  }

  private static func injected(_ line: [UInt8]) -> (events: [Event], torn: Bool) {
    // Injected: without it, the outer event is whole again. Otherwise what can be read is all there is.
    var candidates: [Event] = []
    var attempts = 0
    var position = 1
    while position < line.count, attempts < maximumAttempts {
      guard line[position] == UInt8(ascii: "{"), looksLikeEvent(line, at: position) else {
        position += 1
        continue
      }
      attempts += 1
      guard let (json, end) = JSON.prefix(of: line, from: position), json.object != nil else {
        position += 1
        continue
      }
      let inner = Event(json: json, raw: Array(line[position..<end]))
      let outer = Array(line[..<position]) + line[end...]
      // Losing the reason is right: then this was not the injected one.
      if let whole = try? JSON(parsing: outer), whole.object != nil {
        return ([Event(json: whole, raw: outer), inner], false)
      }
      candidates.append(inner)
      position = end
    }
    return (candidates, true)
  }
}
