/// A table that fits its terminal: less important columns go first, then the widest text is cut.
package struct TextTable: Sendable {
  package struct Column: Hashable, Sendable {
    var title: String
    var alignsRight: Bool
    /// 0 stays always; the highest goes first.
    var expendability: Int

    package init(_ title: String, right: Bool = false, expendability: Int = 0) {
      self.title = title
      alignsRight = right
      self.expendability = expendability
    }
  }

  package struct Cell: Hashable, Sendable {
    var text: String
    var style: Paint.Style

    package init(_ text: String, _ style: Paint.Style = .plain) {
      self.text = Display.line(text)
      self.style = style
    }
  }

  package struct Row: Hashable, Sendable {
    var cells: [Cell]
    /// A line of its own below the row.
    var note: Cell?

    package init(_ cells: [Cell], note: Cell? = nil) {
      self.cells = cells
      self.note = note
    }
  }

  private static let gap = "  "
  /// Less of a text says nothing.
  private static let narrowest = 8

  private let columns: [Column]
  private let rows: [Row]

  package init(_ columns: [Column], _ rows: [Row]) {
    self.columns = columns
    self.rows = rows
  }

  package func lines(width: Int, paint: Paint) -> [String] {
    let (kept, widths) = layout(width: width)
    func line(_ cells: [Cell]) -> String {
      var text = ""
      for (index, column) in kept.enumerated() {
        let cell = cells[column]
        let isLast = index == kept.count - 1
        let padded =
          isLast && !columns[column].alignsRight
          ? Display.line(cell.text, limit: widths[index])
          : Display.padded(cell.text, widths[index], right: columns[column].alignsRight)
        text += paint(cell.style, padded) + (isLast ? "" : Self.gap)
      }
      return text
    }
    var lines = [line(columns.map { Cell($0.title, .faint) })]
    for row in rows {
      lines.append(line(row.cells))
      if let note = row.note {
        let room = max(Self.narrowest, width - 2)
        let words = note.text.split(separator: " ").map(String.init)
        let wrapped = Display.wrapped(words, separator: " ", width: room)
        // Why something stands still is worth three lines, and no more.
        let kept = wrapped.count > 3 ? wrapped.prefix(2) + [wrapped.dropFirst(2).joined(separator: " ")] : wrapped
        lines += kept.map { "  " + paint(note.style, Display.line($0, limit: room)) }
      }
    }
    return lines
  }

  private func layout(width: Int) -> (kept: [Int], widths: [Int]) {
    let natural = columns.indices.map { column in
      max(
        Display.width(of: columns[column].title),
        rows.map { Display.width(of: $0.cells[column].text) }.max() ?? 0)
    }
    var kept = Array(columns.indices)
    func total() -> Int { kept.reduce(0) { $0 + natural[$1] } + Self.gap.count * max(0, kept.count - 1) }
    while total() > width, let most = kept.max(by: { columns[$0].expendability < columns[$1].expendability }),
      columns[most].expendability > 0
    {
      kept.removeAll { $0 == most }
    }
    var widths = kept.map { natural[$0] }
    var excess = total() - width
    while excess > 0, let widest = widths.indices.max(by: { widths[$0] < widths[$1] }), widths[widest] > Self.narrowest
    {
      let cut = min(excess, widths[widest] - Self.narrowest)
      widths[widest] -= cut
      excess -= cut
    }
    return (kept, widths)
  }
}
