import SystemPackage

package enum ScreenshotFormat: String, Sendable, CaseIterable { case plain, ansi, json }

extension Terminal {
  /// The rows as text, blanks at the right cut off.
  package func plainRows() -> [String] {
    (0..<rows).map { row in
      var line = ""
      var pendingSpaces = 0
      for cell in grid.row(row) where cell.width != 0 {
        if cell.isBlank {
          pendingSpaces += 1
        } else {
          line += String(repeating: " ", count: pendingSpaces) + text(of: cell)
          pendingSpaces = 0
        }
      }
      return line
    }
  }

  /// The rows with their colours; each is complete in itself.
  package func ansiRows() -> [String] { (0..<rows).map { ansi(grid.row($0)) } }

  /// One row of cells with its colours, blanks at the right cut off.
  package func ansi(_ cells: ArraySlice<TerminalCell>) -> String {
    var visible = cells
    while let last = visible.last, last.isBlank, last.width == 1, !last.style.isVisibleOnBlank { visible.removeLast() }
    var line = ""
    var style = TerminalStyle()
    for cell in visible where cell.width != 0 {
      if cell.style != style {
        line += cell.style.sequence
        style = cell.style
      }
      line += text(of: cell)
    }
    return style.isStandard ? line : line + "\u{1B}[0m"
  }

  /// The screen as text; `trim` leaves out blank rows at the end. Ends without a newline.
  package func screenshot(_ format: ScreenshotFormat, trim: Bool = true) -> String {
    switch format {
    case .json: return screenshotJSON().pretty
    case .plain, .ansi:
      var lines = format == .ansi ? ansiRows() : plainRows()
      if trim { while lines.last?.isEmpty == true { lines.removeLast() } }
      return lines.joined(separator: "\n")
    }
  }

  /// Shape: `{rows,cols,cursor:{row,col,hidden},alternate_screen,screen_hash,format:"json",cells:[{row,col,char[,fg][,bg]
  /// [,bold|italic|underline|inverse:true]}]}`. Rows and columns count from 0; blank cells are left out.
  package func screenshotJSON() -> JSON {
    var cells: [JSON] = []
    for row in 0..<rows {
      for (column, cell) in grid.row(row).enumerated() where cell.width != 0 {
        guard !cell.isBlank || cell.style.isVisibleOnBlank else { continue }
        var json: JSON = ["row": .int(Int64(row)), "col": .int(Int64(column)), "char": .string(text(of: cell))]
        json["fg"] = cell.style.foreground.name.map(JSON.string)
        json["bg"] = cell.style.background.name.map(JSON.string)
        for (name, attribute) in Self.named where cell.style.attributes.contains(attribute) { json[name] = true }
        cells.append(json)
      }
    }
    return [
      "rows": .int(Int64(rows)), "cols": .int(Int64(columns)),
      "cursor": [
        "row": .int(Int64(cursor.row)), "col": .int(Int64(cursor.column)), "hidden": .bool(isCursorHidden),
      ],
      "alternate_screen": .bool(isAlternate), "screen_hash": .string(screenHash), "format": "json",
      "cells": .array(cells),
    ]
  }

  private static let named: [(String, TerminalAttributes)] = [
    ("bold", .bold), ("italic", .italic), ("underline", .underline), ("inverse", .inverse),
  ]

  /// Changes with anything that can be seen (FNV-1a, 64 bits).
  package var screenHash: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for line in ansiRows() + ["\(cursor.row),\(cursor.column),\(isCursorHidden)"] {
      for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      hash = (hash ^ 10) &* 0x100_0000_01b3
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// What brings a fresh terminal into this state: the beginning of a rotated log.
  package func restoreSequence() -> [UInt8] {
    var out = "\u{1B}c"
    paint(primary, &out)
    save(saved[0], on: primary, &out)
    if isAlternate || saved[1] != Cursor() || alternate != TerminalGrid(rows: rows, columns: columns) {
      out += "\u{1B}[?47h"
      paint(alternate, &out)
      save(saved[1], on: alternate, &out)
      if !isAlternate { out += "\u{1B}[?47l" }
    }
    if tabs != (0..<columns).map({ $0 % 8 == 0 }) {
      out += "\u{1B}[3g" + tabs.indices.filter { tabs[$0] }.map { "\u{1B}[\($0 + 1)G\u{1B}H" }.joined()
    }
    if region != 0..<rows { out += "\u{1B}[\(region.lowerBound + 1);\(region.upperBound)r" }
    if modes.hidesCursor { out += "\u{1B}[?25l" }
    if modes.newlineReturns { out += "\u{1B}[20h" }
    if cursor.isOriginRelative { out += "\u{1B}[?6h" }
    let top = cursor.isOriginRelative ? region.lowerBound : 0
    out += "\u{1B}[\(cursor.row - top + 1);\(cursor.column + 1)H"
    if cursor.wrapsNext { fill(cursor, on: grid, &out) }
    out += cursor.style.sequence
    if cursor.graphics[0] { out += "\u{1B}(0" }
    if cursor.graphics[1] { out += "\u{1B})0" }
    if cursor.shift == 1 { out += "\u{0E}" }
    if !modes.wraps { out += "\u{1B}[?7l" }
    if modes.inserts { out += "\u{1B}[4h" }
    return Array((out + introducer).utf8)
  }

  /// What DECSC remembers, brought about on a screen without a scroll region, and taken back.
  private func save(_ saved: Cursor, on grid: TerminalGrid, _ out: inout String) {
    guard saved != Cursor() else { return }
    if saved.isOriginRelative { out += "\u{1B}[?6h" }
    out += "\u{1B}[\(saved.row + 1);\(saved.column + 1)H"
    if saved.wrapsNext { fill(saved, on: grid, &out) }
    out += saved.style.sequence
    if saved.graphics[0] { out += "\u{1B}(0" }
    if saved.graphics[1] { out += "\u{1B})0" }
    if saved.shift == 1 { out += "\u{0E}" }
    out += "\u{1B}7\u{1B}[?6l\u{1B}(B\u{1B})B\u{0F}\u{1B}[0m"
  }

  /// Only printing into the last column makes a terminal wait with its wrap.
  private func fill(_ cursor: Cursor, on grid: TerminalGrid, _ out: inout String) {
    let column = grid[cursor.row, cursor.column].width == 0 ? cursor.column - 1 : cursor.column
    let lead = grid[cursor.row, column]
    out += "\u{1B}[\(column + 1)G" + lead.style.sequence + text(of: lead)
  }

  private func paint(_ grid: TerminalGrid, _ out: inout String) {
    for row in 0..<rows {
      let line = ansi(grid.row(row))
      if !line.isEmpty { out += "\u{1B}[\(row + 1);1H\u{1B}[0m" + line }
    }
    out += "\u{1B}[0m"
  }
}
