/// Finds the one JSON object in what a runner wrote. Pure; a second object is an error, because a beat has one move.
enum MoveText {
  /// `.decision.json`: one value and nothing else, perhaps in one fence.
  static func file(_ text: String) throws(MoveError) -> JSON {
    do throws(JSONError) {
      return try JSON(parsing: unfenced(text))
    } catch {
      throw MoveError(.malformed, ".decision.json is not one JSON value: \(error)")
    }
  }

  /// A runner's final message: the object alone, or the one object in it.
  static func message(_ text: String) throws(MoveError) -> JSON {
    let body = unfenced(text)
    if body.isEmpty { throw MoveError(.absent, "the final answer is empty") }
    // Losing the reason is right: prose around the object is looked through below.
    if let json = try? JSON(parsing: body), json.object != nil { return json }
    if body.hasPrefix("```") { throw MoveError(.malformed, "the final answer is fenced twice") }
    let objects = objects(in: body)
    guard let first = objects.first else {
      throw MoveError(.malformed, "the final answer holds no JSON object: \(excerpt(body))")
    }
    guard objects.count == 1 else {
      throw MoveError(.malformed, "the final answer holds \(objects.count) JSON objects; a beat has exactly one move")
    }
    return first
  }

  /// Plain output: lines of all sorts, and the move as its last object. A terminal may echo the same object again; another
  /// move beside it is an error.
  static func plain(_ text: String) throws(MoveError) -> JSON {
    let objects = objects(in: text)
    guard let last = objects.last else {
      throw MoveError(.absent, "the runner wrote no .decision.json, and its output holds no JSON object")
    }
    let moves = Set(objects.filter { $0["action"] != nil })
    guard moves.count <= 1 else {
      throw MoveError(.malformed, "the output holds \(moves.count) different moves; a beat has exactly one")
    }
    return moves.first ?? last
  }

  /// One surrounding fence, with its info string, taken off.
  static func unfenced(_ text: String) -> String {
    let body = text.trimmedSpace
    guard body.hasPrefix("```"), body.hasSuffix("```"), let newline = body.firstIndex(where: \.isNewline),
      body.utf8.count >= 7
    else { return body }
    let inner = body[body.index(after: newline)...].dropLast(3)
    guard body[..<newline].dropFirst(3).allSatisfy({ $0 != "`" }) else { return body }
    return String(inner).trimmedSpace
  }

  /// How many beginnings are tried: a hostile text of nothing but `{` must cost linear time.
  private static let maximumAttempts = 256

  /// The objects that stand in a text at the top level, in order. The end matters most, so a text with many braces that
  /// begin nothing is looked at from its last part.
  static func objects(in text: String) -> [JSON] {
    let bytes = Array(text.utf8)
    var found: [JSON] = []
    var position = 0
    var failures = 0
    while position < bytes.count, failures < maximumAttempts {
      guard bytes[position] == UInt8(ascii: "{") else {
        position += 1
        continue
      }
      if let (value, end) = JSON.prefix(of: bytes, from: position) {
        found.append(value)
        position = end
      } else {
        failures += 1
        position += 1
      }
    }
    return found
  }

  private static func excerpt(_ text: String) -> String { Rendering.clip(Rendering.line(text), 200) }
}
