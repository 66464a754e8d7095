/// The parameters of one control sequence.
struct SequenceParameters {
  let values: [Int]
  let joined: [Bool]

  init(_ values: [Int], _ joined: [Bool]) {
    self.values = values
    self.joined = joined
  }

  /// Left out or 0 is `fallback`.
  func count(_ index: Int, _ fallback: Int = 1) -> Int {
    guard index < values.count, values[index] > 0 else { return fallback }
    return values[index]
  }

  func value(_ index: Int, _ fallback: Int = 0) -> Int {
    guard index < values.count, values[index] >= 0 else { return fallback }
    return values[index]
  }
}

// What the controls and sequences do. The numbers are ECMA-48's and DEC's.
extension Terminal {
  mutating func control(_ byte: UInt8) {
    switch byte {
    case 0x08:
      cursor.wrapsNext = false
      cursor.column = max(0, cursor.column - 1)
    case 0x09: tab(1)
    case 0x0A, 0x0B, 0x0C:
      lineFeed()
      if modes.newlineReturns { cursor.column = 0 }
    case 0x0D:
      cursor.wrapsNext = false
      cursor.column = 0
    case 0x0E: cursor.shift = 1
    case 0x0F: cursor.shift = 0
    default: break
    }
  }

  private mutating func tab(_ count: Int) {
    cursor.wrapsNext = false
    for _ in 0..<min(count, columns) {
      var column = cursor.column + 1
      while column < columns - 1, !tabs[column] { column += 1 }
      cursor.column = min(column, columns - 1)
    }
  }

  private mutating func backTab(_ count: Int) {
    cursor.wrapsNext = false
    for _ in 0..<min(count, columns) {
      var column = cursor.column - 1
      while column > 0, !tabs[column] { column -= 1 }
      cursor.column = max(column, 0)
    }
  }

  mutating func escape(_ intermediate: UInt8, _ final: UInt8) {
    switch (intermediate, final) {
    case (0, UInt8(ascii: "7")): save()
    case (0, UInt8(ascii: "8")): restore()
    case (0, UInt8(ascii: "D")): lineFeed()
    case (0, UInt8(ascii: "E")):
      cursor.column = 0
      lineFeed()
    case (0, UInt8(ascii: "H")): tabs[cursor.column] = true
    case (0, UInt8(ascii: "M")): reverseLineFeed()
    case (0, UInt8(ascii: "c")): reset()
    case (UInt8(ascii: "("), _): cursor.graphics[0] = final == UInt8(ascii: "0")
    case (UInt8(ascii: ")"), _): cursor.graphics[1] = final == UInt8(ascii: "0")
    case (UInt8(ascii: "#"), UInt8(ascii: "8")):
      let cell = TerminalCell(code: UInt32(UInt8(ascii: "E")))
      for row in 0..<rows { for column in 0..<columns { grid[row, column] = cell } }
    default: break
    }
  }

  private mutating func reverseLineFeed() {
    cursor.wrapsNext = false
    if cursor.row == region.lowerBound {
      grid.scrollDown(region, by: 1, blank)
    } else if cursor.row > 0 {
      cursor.row -= 1
    }
  }

  private mutating func save() { saved[isAlternate ? 1 : 0] = cursor }
  private mutating func restore() { cursor = saved[isAlternate ? 1 : 0] }

  private mutating func reset() {
    let old = takeReplies()
    primary = TerminalGrid(rows: rows, columns: columns)
    alternate = TerminalGrid(rows: rows, columns: columns)
    isAlternate = false
    cursor = Cursor()
    saved = [Cursor(), Cursor()]
    region = 0..<rows
    modes = Modes()
    tabs = (0..<columns).map { $0 % 8 == 0 }
    reply(String(decoding: old, as: UTF8.self))
  }

  mutating func sequence(_ marker: UInt8, _ intermediate: UInt8, _ final: UInt8, _ p: SequenceParameters) {
    switch (marker, intermediate) {
    case (0, 0): plainSequence(final, p)
    case (UInt8(ascii: "?"), 0): privateSequence(final, p)
    case (UInt8(ascii: ">"), 0):
      if final == UInt8(ascii: "c") { reply("\u{1B}[>0;10;1c") }
    case (0, UInt8(ascii: "!")):
      if final == UInt8(ascii: "p") { softReset() }
    case (UInt8(ascii: "?"), UInt8(ascii: "$")):
      // «Not recognized»: who asks then does without.
      if final == UInt8(ascii: "p") { reply("\u{1B}[?\(p.value(0));0$y") }
    default: break
    }
  }

  private mutating func softReset() {
    modes = Modes()
    region = 0..<rows
    cursor.style = TerminalStyle()
    cursor.graphics = [false, false]
    cursor.shift = 0
    cursor.isOriginRelative = false
    saved[isAlternate ? 1 : 0] = Cursor()
  }

  private mutating func plainSequence(_ final: UInt8, _ p: SequenceParameters) {
    switch final {
    case UInt8(ascii: "@"): grid.insertCells(cursor.row, at: cursor.column, count: p.count(0), blank)
    case UInt8(ascii: "A"): move(rows: -p.count(0))
    case UInt8(ascii: "B"), UInt8(ascii: "e"): move(rows: p.count(0))
    case UInt8(ascii: "C"), UInt8(ascii: "a"): move(columns: p.count(0))
    case UInt8(ascii: "D"): move(columns: -p.count(0))
    case UInt8(ascii: "E"):
      move(rows: p.count(0))
      cursor.column = 0
    case UInt8(ascii: "F"):
      move(rows: -p.count(0))
      cursor.column = 0
    case UInt8(ascii: "G"), UInt8(ascii: "`"): place(row: nil, column: p.count(0) - 1)
    case UInt8(ascii: "H"), UInt8(ascii: "f"): place(row: p.count(0) - 1, column: p.count(1) - 1)
    case UInt8(ascii: "I"): tab(p.count(0))
    case UInt8(ascii: "J"): eraseDisplay(p.value(0))
    case UInt8(ascii: "K"): eraseLine(p.value(0))
    case UInt8(ascii: "L"): shiftLines { grid, region, blank in grid.scrollDown(region, by: p.count(0), blank) }
    case UInt8(ascii: "M"): shiftLines { grid, region, blank in grid.scrollUp(region, by: p.count(0), blank) }
    case UInt8(ascii: "P"): grid.deleteCells(cursor.row, at: cursor.column, count: p.count(0), blank)
    case UInt8(ascii: "S"): scrollUp(p.count(0))
    case UInt8(ascii: "T"): grid.scrollDown(region, by: p.count(0), blank)
    case UInt8(ascii: "X"):
      grid.clear(row: cursor.row, cursor.column..<min(columns, cursor.column + p.count(0)), blank)
    case UInt8(ascii: "Z"): backTab(p.count(0))
    case UInt8(ascii: "b"): repeatLast(p.count(0))
    case UInt8(ascii: "c"): reply("\u{1B}[?62;22c")
    case UInt8(ascii: "d"): place(row: p.count(0) - 1, column: nil)
    case UInt8(ascii: "g"):
      if p.value(0) == 0 { tabs[cursor.column] = false }
      if p.value(0) == 3 { tabs = Array(repeating: false, count: columns) }
    case UInt8(ascii: "h"), UInt8(ascii: "l"): setModes(p, final == UInt8(ascii: "h"))
    case UInt8(ascii: "m"): cursor.style.apply(p)
    case UInt8(ascii: "n"): reportStatus(p.value(0), "")
    case UInt8(ascii: "r"): setRegion(p)
    case UInt8(ascii: "s"): save()
    case UInt8(ascii: "t"): if p.value(0) == 18 { reply("\u{1B}[8;\(rows);\(columns)t") }
    case UInt8(ascii: "u"): restore()
    default: break
    }
  }

  private mutating func privateSequence(_ final: UInt8, _ p: SequenceParameters) {
    switch final {
    case UInt8(ascii: "h"), UInt8(ascii: "l"):
      for mode in p.values { setPrivateMode(mode, final == UInt8(ascii: "h")) }
    case UInt8(ascii: "J"): eraseDisplay(p.value(0))
    case UInt8(ascii: "K"): eraseLine(p.value(0))
    case UInt8(ascii: "n"): reportStatus(p.value(0), "?")
    default: break
    }
  }

  private mutating func reportStatus(_ what: Int, _ marker: String) {
    if what == 5 { reply("\u{1B}[0n") }
    guard what == 6 else { return }
    let row = cursor.isOriginRelative ? cursor.row - region.lowerBound : cursor.row
    reply("\u{1B}[\(marker)\(row + 1);\(cursor.column + 1)R")
  }

  // MARK: The cursor

  private mutating func move(rows count: Int) {
    cursor.wrapsNext = false
    let isInside = region.contains(cursor.row)
    let limits = isInside ? region : 0..<rows
    cursor.row = min(max(cursor.row + count, limits.lowerBound), limits.upperBound - 1)
  }

  private mutating func move(columns count: Int) {
    cursor.wrapsNext = false
    cursor.column = min(max(cursor.column + count, 0), columns - 1)
  }

  private mutating func place(row: Int?, column: Int?) {
    cursor.wrapsNext = false
    if let row {
      let limits = cursor.isOriginRelative ? region : 0..<rows
      cursor.row = min(max(limits.lowerBound + row, limits.lowerBound), limits.upperBound - 1)
    }
    if let column { cursor.column = min(max(column, 0), columns - 1) }
  }

  private mutating func setRegion(_ p: SequenceParameters) {
    let top = p.count(0) - 1
    let bottom = min(p.count(1, rows), rows)
    guard top < bottom - 1 else { return }
    region = top..<bottom
    place(row: 0, column: 0)
  }

  private mutating func shiftLines(_ shift: (inout TerminalGrid, Range<Int>, TerminalCell) -> Void) {
    guard region.contains(cursor.row) else { return }
    cursor.wrapsNext = false
    cursor.column = 0
    let filler = blank
    shift(&grid, cursor.row..<region.upperBound, filler)
  }

  // MARK: Erasing

  private mutating func eraseDisplay(_ what: Int) {
    let filler = blank
    switch what {
    case 0:
      grid.clear(row: cursor.row, cursor.column..<columns, filler)
      grid.clear(rows: (cursor.row + 1)..<rows, filler)
    case 1:
      grid.clear(rows: 0..<cursor.row, filler)
      grid.clear(row: cursor.row, 0..<(cursor.column + 1), filler)
    case 2: grid.clear(rows: 0..<rows, filler)
    default: break
    }
    if what == 0 || what == 2 { cursor.wrapsNext = false }
  }

  private mutating func eraseLine(_ what: Int) {
    let filler = blank
    switch what {
    case 0: grid.clear(row: cursor.row, cursor.column..<columns, filler)
    case 1: grid.clear(row: cursor.row, 0..<(cursor.column + 1), filler)
    case 2: grid.clear(row: cursor.row, 0..<columns, filler)
    default: break
    }
    cursor.wrapsNext = false
  }

  // MARK: Modes

  private mutating func setModes(_ p: SequenceParameters, _ on: Bool) {
    for mode in p.values {
      switch mode {
      case 4: modes.inserts = on
      case 20: modes.newlineReturns = on
      default: break
      }
    }
  }

  private mutating func setPrivateMode(_ mode: Int, _ on: Bool) {
    switch mode {
    case 6:
      cursor.isOriginRelative = on
      place(row: 0, column: 0)
    case 7: modes.wraps = on
    case 25: modes.hidesCursor = !on
    case 47: switchScreen(on, clears: false)
    case 1047:
      if !on, isAlternate { alternate.clear(rows: 0..<rows, blank) }
      switchScreen(on, clears: false)
    case 1048: if on { save() } else { restore() }
    case 1049:
      if on {
        if !isAlternate { save() }
        switchScreen(true, clears: true)
      } else if isAlternate {
        switchScreen(false, clears: false)
        restore()
      }
    default: break
    }
  }

  /// The cursor goes along.
  private mutating func switchScreen(_ toAlternate: Bool, clears: Bool) {
    isAlternate = toAlternate
    if toAlternate, clears { alternate.clear(rows: 0..<rows, blank) }
  }

  // MARK: Commands

  /// OSC. Only the questions for the colours are answered; titles and links change nothing on the screen.
  mutating func command(_ text: [UInt8]) {
    switch String(decoding: text, as: UTF8.self) {
    case "10;?": reply("\u{1B}]10;rgb:d0d0/d0d0/d0d0\u{1B}\\")
    case "11;?": reply("\u{1B}]11;rgb:0000/0000/0000\u{1B}\\")
    default: break
    }
  }
}

extension TerminalStyle {
  /// SGR.
  mutating func apply(_ p: SequenceParameters) {
    if p.values.isEmpty { self = TerminalStyle() }
    var index = 0
    while index < p.values.count {
      let code = max(0, p.values[index])
      switch code {
      case 0: self = TerminalStyle()
      case 1: attributes.insert(.bold)
      case 2: attributes.insert(.dim)
      case 3: attributes.insert(.italic)
      case 4:
        let isOff = index + 1 < p.values.count && p.joined[index + 1] && p.values[index + 1] == 0
        if isOff { attributes.remove(.underline) } else { attributes.insert(.underline) }
      case 5, 6: attributes.insert(.blink)
      case 7: attributes.insert(.inverse)
      case 8: attributes.insert(.hidden)
      case 9: attributes.insert(.strikethrough)
      case 21: attributes.insert(.underline)
      case 22: attributes.subtract([.bold, .dim])
      case 23: attributes.remove(.italic)
      case 24: attributes.remove(.underline)
      case 25: attributes.remove(.blink)
      case 27: attributes.remove(.inverse)
      case 28: attributes.remove(.hidden)
      case 29: attributes.remove(.strikethrough)
      case 30...37: foreground = .indexed(UInt8(code - 30))
      case 38: extended(p, &index) { foreground = $0 }
      case 39: foreground = .standard
      case 40...47: background = .indexed(UInt8(code - 40))
      case 48: extended(p, &index) { background = $0 }
      case 49: background = .standard
      case 58: extended(p, &index) { _ in }
      case 90...97: foreground = .indexed(UInt8(code - 82))
      case 100...107: background = .indexed(UInt8(code - 92))
      default: break
      }
      index += 1
      // What was joined to a code that we do not look into.
      while index < p.values.count, p.joined[index] { index += 1 }
    }
  }

  /// `5;N` and `2;R;G;B`, joined by semicolons or colons (then with an optional colour space before red).
  private func extended(_ p: SequenceParameters, _ index: inout Int, _ set: (TerminalColour) -> Void) {
    let kind = p.value(index + 1, -1)
    let isJoined = index + 1 < p.joined.count && p.joined[index + 1]
    var last = index + 1
    if isJoined { while last + 1 < p.joined.count, p.joined[last + 1] { last += 1 } }
    func byte(_ at: Int) -> UInt8 { UInt8(clamping: p.value(at)) }
    switch kind {
    case 5:
      set(.indexed(byte(index + 2)))
      index = isJoined ? last : index + 2
    case 2:
      let red = isJoined && last - index >= 5 ? index + 3 : index + 2
      set(.rgb(byte(red), byte(red + 1), byte(red + 2)))
      index = isJoined ? last : index + 4
    default: index = isJoined ? last : index + 1
    }
  }
}
