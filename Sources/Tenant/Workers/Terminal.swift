import Glibc

/// A terminal emulation: fed with what a program prints, it knows what stands on the screen. The holder of a session keeps
/// one (to answer what programs ask a terminal, and to make a rotated log replayable); screenshots and `watch` replay a log
/// through another.
package struct Terminal: Sendable {
  package let rows: Int
  package let columns: Int
  private var parser = TerminalParser()
  var primary: TerminalGrid
  var alternate: TerminalGrid
  package internal(set) var isAlternate = false
  package internal(set) var cursor = Cursor()
  /// DECSC's, of the primary and of the alternate screen.
  var saved: [Cursor] = [Cursor(), Cursor()]
  var region: Range<Int>
  var modes = Modes()
  var tabs: [Bool]
  /// Characters with combining marks; cells name them by number.
  var clusters: [String] = []
  private var replies: [UInt8] = []
  private var lastPrinted: Unicode.Scalar?
  /// Lines that left the primary screen at its top, newest last; trimmed at the right.
  package private(set) var scrollback: [[TerminalCell]] = []
  /// Lines that were in the scrollback once: with these, a line keeps its number as long as it is there.
  package private(set) var droppedLines = 0
  private let maximumScrollback: Int

  package struct Cursor: Hashable, Sendable {
    package var row = 0
    package var column = 0
    /// The last column is written: the next character goes to the next line first.
    var wrapsNext = false
    var style = TerminalStyle()
    var graphics = [false, false]
    var shift = 0
    var isOriginRelative = false
  }

  struct Modes: Hashable, Sendable {
    var wraps = true
    var inserts = false
    var hidesCursor = false
    var newlineReturns = false
  }

  static let maximumClusters = 4096
  private static let maximumReplies = 4096

  package init(rows: Int = 24, columns: Int = 80, scrollback: Int = 0) {
    self.rows = rows
    self.columns = columns
    primary = TerminalGrid(rows: rows, columns: columns)
    alternate = TerminalGrid(rows: rows, columns: columns)
    region = 0..<rows
    tabs = (0..<columns).map { $0 % 8 == 0 }
    maximumScrollback = scrollback
  }

  package var grid: TerminalGrid {
    _read { if isAlternate { yield alternate } else { yield primary } }
    _modify { if isAlternate { yield &alternate } else { yield &primary } }
  }

  package var isCursorHidden: Bool { modes.hidesCursor }
  /// The stream may be cut here: no sequence is half read.
  package var isAtRest: Bool { parser.isAtRest }
  var introducer: String { parser.introducer }

  // MARK: Feeding

  package mutating func feed(_ text: String) { feed(Array(text.utf8)) }

  package mutating func feed(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe feed($0) } }

  package mutating func feed(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    let count = bytes.count
    while index < count {
      if parser.isPlain, !cursor.graphics[cursor.shift], !modes.inserts {
        // Most of all output is plain text: a run of it goes into the row at once.
        let start = index
        while index < count, unsafe bytes[index] >= 0x20, unsafe bytes[index] < 0x7F { index += 1 }
        if index > start { unsafe putPlain(UnsafeRawBufferPointer(rebasing: bytes[start..<index])) }
        guard index < count else { break }
      }
      take(unsafe bytes[index])
      index += 1
    }
  }

  private mutating func take(_ byte: UInt8) {
    let event = parser.take(byte)
    if let event { act(event) }
    if let again = parser.takePending() { take(again) }
  }

  private mutating func act(_ event: TerminalParser.Event) {
    switch event {
    case .print(let scalar): put(scalar)
    case .control(let byte): control(byte)
    case .escape(let intermediate, let final): escape(intermediate, final)
    case .sequence(let marker, let intermediate, let final):
      sequence(marker, intermediate, final, SequenceParameters(parser.parameters, parser.isSubparameter))
    case .command: command(parser.text)
    }
  }

  package mutating func takeReplies() -> [UInt8] {
    if replies.isEmpty { return [] }
    defer { replies = [] }
    return replies
  }

  mutating func reply(_ text: String) {
    guard replies.count < Self.maximumReplies else { return }
    replies += Array(text.utf8)
  }

  // MARK: Printing

  private mutating func putPlain(_ bytes: UnsafeRawBufferPointer) {
    let style = cursor.style
    var index = 0
    while index < bytes.count {
      if cursor.wrapsNext { wrap() }
      let room = min(bytes.count - index, columns - cursor.column)
      let row = cursor.row
      let start = cursor.column
      if isAlternate {
        unsafe alternate.put(bytes, index..<(index + room), row: row, column: start, style)
      } else {
        unsafe primary.put(bytes, index..<(index + room), row: row, column: start, style)
      }
      index += room
      cursor.column += room
      if cursor.column >= columns {
        cursor.column = columns - 1
        cursor.wrapsNext = modes.wraps
      }
    }
    lastPrinted = unsafe bytes.last.map { Unicode.Scalar($0) }
  }

  mutating func put(_ given: Unicode.Scalar) {
    let scalar = cursor.graphics[cursor.shift] ? Self.graphic(given) : given
    let width = CharacterWidth.of(scalar)
    if width == 0 { return combine(scalar) }
    lastPrinted = given
    if cursor.wrapsNext { wrap() }
    if width == 2, cursor.column == columns - 1 {
      // No room for both halves.
      guard modes.wraps else { return }
      grid.clear(row: cursor.row, cursor.column..<columns, blank)
      wrap()
    }
    let (row, column) = (cursor.row, cursor.column)
    if modes.inserts { grid.insertCells(row, at: column, count: width, blank) }
    grid[row, column] = TerminalCell(code: scalar.value, style: cursor.style, width: UInt8(width))
    if width == 2 { grid[row, column + 1] = TerminalCell(code: 0, style: cursor.style, width: 0) }
    grid.mend(row, at: column)
    grid.mend(row, at: column + width)
    cursor.column += width
    if cursor.column >= columns {
      cursor.column = columns - 1
      cursor.wrapsNext = modes.wraps
    }
  }

  /// Joins a mark to the character before the cursor.
  private mutating func combine(_ scalar: Unicode.Scalar) {
    var column = cursor.wrapsNext ? cursor.column : cursor.column - 1
    if column > 0, grid[cursor.row, column].width == 0 { column -= 1 }
    guard column >= 0 else { return }
    let cell = grid[cursor.row, column]
    var text = self.text(of: cell)
    // A character may carry some marks, not a flood of them.
    guard text.unicodeScalars.count < 8 else { return }
    text.unicodeScalars.append(scalar)
    if clusters.count >= Self.maximumClusters { dropUnusedClusters() }
    guard clusters.count < Self.maximumClusters else { return }
    clusters.append(text)
    grid[cursor.row, column].code = TerminalCell.clusterBit | UInt32(clusters.count - 1)
  }

  private mutating func dropUnusedClusters() {
    let old = clusters
    var kept: [String] = []
    func number(_ code: UInt32) -> UInt32 {
      kept.append(old[Int(code & ~TerminalCell.clusterBit)])
      return TerminalCell.clusterBit | UInt32(kept.count - 1)
    }
    primary.renumberClusters(number)
    alternate.renumberClusters(number)
    for line in scrollback.indices {
      for index in scrollback[line].indices where scrollback[line][index].code & TerminalCell.clusterBit != 0 {
        scrollback[line][index].code = number(scrollback[line][index].code)
      }
    }
    clusters = kept
  }

  /// What a cell shows, a blank as a space.
  package func text(of cell: TerminalCell) -> String {
    if cell.code & TerminalCell.clusterBit != 0 { return clusters[Int(cell.code & ~TerminalCell.clusterBit)] }
    return cell.code == 0 ? " " : String(Character(Unicode.Scalar(cell.code) ?? " "))
  }

  mutating func repeatLast(_ count: Int) {
    guard let lastPrinted else { return }
    for _ in 0..<min(count, rows * columns) { put(lastPrinted) }
  }

  var blank: TerminalCell {
    var style = TerminalStyle()
    style.background = cursor.style.background
    return TerminalCell(code: 0, style: style, width: 1)
  }

  // MARK: Lines

  private mutating func wrap() {
    cursor.column = 0
    lineFeed()
  }

  mutating func lineFeed() {
    cursor.wrapsNext = false
    if cursor.row == region.upperBound - 1 {
      scrollUp(1)
    } else if cursor.row < rows - 1 {
      cursor.row += 1
    }
  }

  mutating func scrollUp(_ count: Int) {
    if !isAlternate, maximumScrollback > 0, region.lowerBound == 0 {
      for row in 0..<min(count, region.count) { keep(primary.row(row)) }
    }
    let filler = blank
    if isAlternate {
      alternate.scrollUp(region, by: count, filler)
    } else {
      primary.scrollUp(region, by: count, filler)
    }
  }

  private mutating func keep(_ row: ArraySlice<TerminalCell>) {
    var line = row
    while let last = line.last, last.isBlank, last.width == 1, !last.style.isVisibleOnBlank { line.removeLast() }
    scrollback.append(Array(line))
    // In batches: removing from the front moves everything.
    if scrollback.count > maximumScrollback + 1024 {
      droppedLines += scrollback.count - maximumScrollback
      scrollback.removeFirst(scrollback.count - maximumScrollback)
    }
  }

  /// DEC's line drawing characters.
  private static func graphic(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    guard scalar.value >= 0x5F, scalar.value <= 0x7E else { return scalar }
    return graphics[Int(scalar.value) - 0x5F]
  }

  private static let graphics = Array(" ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·".unicodeScalars)
}

extension TerminalGrid {
  /// Writes plain ASCII, which is one column each.
  mutating func put(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, row: Int, column: Int, _ style: TerminalStyle
  ) {
    var cell = TerminalCell(code: 0, style: style, width: 1)
    var target = column
    for index in range {
      cell.code = UInt32(unsafe bytes[index])
      self[row, target] = cell
      target += 1
    }
    mend(row, at: column)
    mend(row, at: target)
  }
}
