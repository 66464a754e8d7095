/// Rows in aligned columns.
struct TextTable {
  var headings: [String]
  var rows: [[String]] = []
  /// Columns that align to the right.
  var right: Set<Int> = []

  init(_ headings: [String], right: Set<Int> = []) {
    self.headings = headings
    self.right = right
  }

  /// Lines, each at most `columns` wide.
  func lines(columns: Int) -> [String] {
    let all = (headings.isEmpty ? [] : [headings]) + rows.map { $0.map(TextWidth.plain) }
    let count = all.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in all.map { column < $0.count ? TextWidth.of($0[column]) : 0 }.max() ?? 0 }
    return all.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - TextWidth.of(cell))
        if column > 0 { line += "  " }
        line += right.contains(column) ? padding + cell : column == row.count - 1 ? cell : cell + padding
      }
      while line.last == " " { line.removeLast() }
      return TextWidth.clip(line, to: columns)
    }
  }
}
