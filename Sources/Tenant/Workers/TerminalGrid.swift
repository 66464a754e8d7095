/// The cells of one screen. Rows are found through a map, so that scrolling moves two dozen numbers and not the cells.
package struct TerminalGrid: Equatable, Sendable {
  package let rows: Int
  package let columns: Int
  private var cells: [TerminalCell]
  private var map: [Int]

  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    cells = Array(repeating: TerminalCell(), count: rows * columns)
    map = (0..<rows).map { $0 * columns }
  }

  package subscript(row: Int, column: Int) -> TerminalCell {
    get { cells[map[row] + column] }
    set { cells[map[row] + column] = newValue }
  }

  package func row(_ row: Int) -> ArraySlice<TerminalCell> { cells[map[row]..<(map[row] + columns)] }

  /// The clusters that are in use, renumbered: the terminal drops those that no screen shows any more.
  mutating func renumberClusters(_ number: (UInt32) -> UInt32) {
    for index in cells.indices where cells[index].code & TerminalCell.clusterBit != 0 {
      cells[index].code = number(cells[index].code)
    }
  }

  /// Whether every place shows the same; how the rows are kept does not matter.
  package static func == (a: TerminalGrid, b: TerminalGrid) -> Bool {
    a.rows == b.rows && a.columns == b.columns && (0..<a.rows).allSatisfy { a.row($0) == b.row($0) }
  }

  mutating func clear(row: Int, _ range: Range<Int>, _ blank: TerminalCell) {
    let range = range.clamped(to: 0..<columns)
    guard !range.isEmpty else { return }
    let base = map[row]
    for column in range { cells[base + column] = blank }
    mend(row, at: range.lowerBound)
    mend(row, at: range.upperBound)
  }

  mutating func clear(rows range: Range<Int>, _ blank: TerminalCell) {
    for row in range.clamped(to: 0..<rows) { clear(row: row, 0..<columns, blank) }
  }

  /// Half a wide character is none: whoever cuts between `column - 1` and `column` calls this.
  mutating func mend(_ row: Int, at column: Int) {
    if column > 0, column <= columns {
      let isCut = column == columns || self[row, column].width != 0
      if self[row, column - 1].width == 2, isCut {
        self[row, column - 1].code = 0
        self[row, column - 1].width = 1
      }
    }
    if column < columns, self[row, column].width == 0, column == 0 || self[row, column - 1].width != 2 {
      self[row, column].code = 0
      self[row, column].width = 1
    }
  }

  mutating func scrollUp(_ region: Range<Int>, by count: Int, _ blank: TerminalCell) {
    let count = min(count, region.count)
    guard count > 0 else { return }
    let moved = Array(map[region.lowerBound..<(region.lowerBound + count)])
    for row in region.lowerBound..<(region.upperBound - count) { map[row] = map[row + count] }
    for (index, base) in moved.enumerated() {
      map[region.upperBound - count + index] = base
      for column in 0..<columns { cells[base + column] = blank }
    }
  }

  mutating func scrollDown(_ region: Range<Int>, by count: Int, _ blank: TerminalCell) {
    let count = min(count, region.count)
    guard count > 0 else { return }
    let moved = Array(map[(region.upperBound - count)..<region.upperBound])
    for row in (region.lowerBound..<(region.upperBound - count)).reversed() { map[row + count] = map[row] }
    for (index, base) in moved.enumerated() {
      map[region.lowerBound + index] = base
      for column in 0..<columns { cells[base + column] = blank }
    }
  }

  mutating func insertCells(_ row: Int, at column: Int, count: Int, _ blank: TerminalCell) {
    let count = min(count, columns - column)
    guard count > 0 else { return }
    for target in ((column + count)..<columns).reversed() { self[row, target] = self[row, target - count] }
    for target in column..<(column + count) { self[row, target] = blank }
    mend(row, at: column)
    mend(row, at: column + count)
    mend(row, at: columns)
  }

  mutating func deleteCells(_ row: Int, at column: Int, count: Int, _ blank: TerminalCell) {
    let count = min(count, columns - column)
    guard count > 0 else { return }
    for target in column..<(columns - count) { self[row, target] = self[row, target + count] }
    for target in (columns - count)..<columns { self[row, target] = blank }
    mend(row, at: column)
    mend(row, at: columns - count)
  }
}
