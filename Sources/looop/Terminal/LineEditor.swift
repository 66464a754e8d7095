/// One line that is edited in place, as a value.
struct LineEditor: Hashable {
  enum Outcome: Hashable { case editing, accepted, aborted }

  private(set) var characters: [Character]
  private(set) var cursor: Int

  init(_ text: String) {
    characters = Array(text)
    cursor = characters.count
  }

  var text: String { String(characters) }

  mutating func apply(_ key: Key) -> Outcome {
    switch key {
    case .enter: return .accepted
    case .escape, .control("c"): return .aborted
    case .control("d"): return characters.isEmpty ? .aborted : deleteForward()
    case .text(let character):
      characters.insert(character, at: cursor)
      cursor += 1
    case .backspace:
      if cursor > 0 {
        cursor -= 1
        characters.remove(at: cursor)
      }
    case .delete: return deleteForward()
    case .left, .control("b"): cursor = max(0, cursor - 1)
    case .right, .control("f"): cursor = min(characters.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = characters.count
    case .control("u"):
      characters.removeFirst(cursor)
      cursor = 0
    case .control("k"): characters.removeLast(characters.count - cursor)
    case .control("w"):
      while cursor > 0, characters[cursor - 1].isWhitespace { removeBefore() }
      while cursor > 0, !characters[cursor - 1].isWhitespace { removeBefore() }
    case .up, .down, .tab, .pageUp, .pageDown, .wheelUp, .wheelDown, .press, .drag, .release, .control, .unknown: break
    }
    return .editing
  }

  private mutating func removeBefore() {
    cursor -= 1
    characters.remove(at: cursor)
  }

  private mutating func deleteForward() -> Outcome {
    if cursor < characters.count { characters.remove(at: cursor) }
    return .editing
  }

  /// What fits into that many columns around the cursor, and the cursor's column in it.
  func window(columns: Int) -> (text: String, column: Int) {
    var start = 0
    while TextWidth.of(String(characters[start..<cursor])) >= columns { start += 1 }
    let column = TextWidth.of(String(characters[start..<cursor]))
    var end = start
    var used = 0
    while end < characters.count, used + TextWidth.of(characters[end]) <= columns {
      used += TextWidth.of(characters[end])
      end += 1
    }
    return (String(characters[start..<end]), column)
  }
}
