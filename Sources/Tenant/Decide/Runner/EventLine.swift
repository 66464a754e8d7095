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

  static func read(_ line: [UInt8]) -> EventLine {
    guard let first = line.firstIndex(where: { $0 != 0x20 && $0 != 0x09 }) else { return .text("") }
    if line[first] == UInt8(ascii: "{") {
      // Losing the reason is right: a line that is no JSON is looked at for what it may hold.
      if let json = try? JSON(parsing: line), json.object != nil {
        return .events([Event(json: json, raw: line)], torn: false)
      }
      let (events, torn) = recover(line, depth: 0)
      if !events.isEmpty { return .events(events, torn: torn) }
      if looksLikeEvent(line, at: first) { return .events([], torn: true) }
    }
    return .text(String(decoding: line, as: UTF8.self))
  }

  private static let opening = Array("{\"type\":".utf8)

  private static func looksLikeEvent(_ line: [UInt8], at index: Int) -> Bool {
    line[index...].starts(with: opening)
  }

  private static func recover(_ line: [UInt8], depth: Int) -> (events: [Event], torn: Bool) {
    var events: [Event] = []
    var remains: [UInt8] = []
    var position = 0
    var attempts = 0
    while position < line.count {
      if line[position] == UInt8(ascii: "{"), attempts < maximumAttempts, looksLikeEvent(line, at: position) {
        attempts += 1
        if let (json, end) = JSON.prefix(of: line, from: position), json.object != nil {
          events.append(Event(json: json, raw: Array(line[position..<end])))
          position = end
          continue
        }
      }
      remains.append(line[position])
      position += 1
    }
    // What is left may be the outer event, whole again now that the injected one is out of it.
    guard remains.contains(where: { $0 != 0x20 && $0 != 0x09 }) else { return (events, false) }
    if !events.isEmpty, depth < 2 {
      if let json = try? JSON(parsing: remains), json.object != nil {
        return ([Event(json: json, raw: remains)] + events, false)
      }
    }
    return (events, true)
  }
}
