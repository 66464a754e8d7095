import Fleet
import Tenant

/// Worktrees as tables: those that are there, and what a collection did with them.
enum SandboxTable {
  static func lines(_ rows: [JSON], width: Int, paint: Paint) -> [String] {
    let columns: [TextTable.Column] = [
      .init("SANDBOX"), .init("REPO"), .init("STATE"), .init("SIZE", right: true, expendability: 1),
      .init("BRANCH", expendability: 2), .init("PATH", expendability: 3),
    ]
    return TextTable(
      columns,
      rows.map { row in
        TextTable.Row(
          [
            .init(name(row), .strong), .init(text(row, "repo")),
            .init(text(row, "state").replacing("_", with: " "), row["state"]?.string == "in_use" ? .good : .plain),
            .init(row["bytes"]?.int.map(Display.bytes) ?? "-"), .init(text(row, "branch"), .faint),
            .init(text(row, "path"), .faint),
          ], note: row["reason"]?.string.map { .init($0, .faint) })
      }
    ).lines(width: width, paint: paint)
  }

  static func pruned(_ rows: [JSON], width: Int, paint: Paint) -> [String] {
    TextTable(
      [.init("SANDBOX"), .init("OUTCOME"), .init("WHY"), .init("PATH", expendability: 1)],
      rows.map { row in
        let outcome = text(row, "outcome")
        return TextTable.Row([
          .init(name(row), .strong), .init(outcome, outcome == "failed" ? .bad : .plain), .init(text(row, "reason")),
          .init(text(row, "path"), .faint),
        ])
      }
    ).lines(width: width, paint: paint)
  }

  private static func name(_ row: JSON) -> String { "\(text(row, "tenant"))/\(row["worker"]?.string ?? "(warm)")" }

  private static func text(_ row: JSON, _ key: String) -> String { row[key]?.string ?? "-" }
}
