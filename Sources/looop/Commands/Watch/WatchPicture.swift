import Tenant

/// Draws a ``WatchModel``: one text a row of the screen, complete with colours, never wider than the screen.
struct WatchPicture {
  let model: WatchModel
  /// One line of the log by its number, cut to so many columns.
  let line: (Int, Int) -> String

  func rows() -> [String] { pane() + [heading()] + table() + [footer()] }

  private func pane() -> [String] {
    let thumb = model.thumb
    return (0..<model.paneRows).map { row in
      let number = model.top + row
      let text = model.lines.contains(number) ? line(number, model.columns - 2) : ""
      guard let thumb else { return text }
      // The bar stands in the last column, whatever the line's width is.
      return text + "\u{1B}[\(model.columns)G" + (thumb.contains(row) ? "█" : "\u{1B}[2m│\u{1B}[0m")
    }
  }

  private var widths: [Int] {
    let rows = [WorkersTable.headings] + model.sessions.map(WorkersTable.row)
    return (0..<WorkersTable.headings.count).map { column in
      rows.map { TextWidth.of(TextWidth.plain($0[column])) }.max() ?? 0
    }
  }

  private func cells(_ row: [String], _ mark: String) -> String {
    let text = zip(row, widths).map { TextWidth.pad(TextWidth.plain($0), to: $1) }.joined(separator: "  ")
    return TextWidth.pad(TextWidth.clip(mark + text, to: model.columns - 2), to: model.columns - 2)
  }

  private func heading() -> String { "\u{1B}[1;4m" + cells(WorkersTable.headings, "  ") + "\u{1B}[0m" }

  private func table() -> [String] {
    let overflows = model.sessions.count > model.tableRows
    return (0..<model.tableRows).map { row in
      let index = model.tableTop + row
      guard model.sessions.indices.contains(index) else { return "" }
      let session = model.sessions[index]
      let isSelected = session.id == model.selected
      let text = cells(WorkersTable.row(session), isSelected ? "❯ " : "  ")
      let styled = isSelected ? "\u{1B}[7m\(text)\u{1B}[0m" : session.alive ? text : "\u{1B}[2m\(text)\u{1B}[0m"
      return overflows ? styled + " " + bar(row) : styled
    }
  }

  /// The table's own scrollbar.
  private func bar(_ row: Int) -> String {
    let count = max(1, model.sessions.count - model.tableRows)
    return row == model.tableTop * (model.tableRows - 1) / count ? "█" : "│"
  }

  private func footer() -> String {
    let hidden = model.hidden > 0 ? " (\(model.hidden) hidden)" : ""
    let place =
      switch model.scroll {
      case .following: ""
      case .anchored: " · line \(model.top - model.lines.lowerBound + 1)/\(model.lines.count)"
      }
    let text =
      "\(model.selected) · \(model.filterName)\(hidden)\(place) · ↑↓ select  ^U^D scroll  G follow  Tab all  q quit"
    return "\u{1B}[2m" + TextWidth.clip(text, to: model.columns - 1) + "\u{1B}[0m"
  }
}
