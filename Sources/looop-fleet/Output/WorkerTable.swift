import Fleet
import Tenant

/// The workers as a table: what each does, or what it waits for.
struct WorkerTable {
  let workers: [WorkerRow]
  let now: Int64

  func lines(width: Int, paint: Paint) -> [String] {
    let columns: [TextTable.Column] = [
      .init("WORKER"), .init("PHASE"), .init("HEALTH", expendability: 1), .init("AGE", right: true, expendability: 2),
      .init("SPENT", right: true, expendability: 1), .init("BRANCH", expendability: 3),
      .init("PID", right: true, expendability: 4),
    ]
    let rows = workers.map { worker in
      TextTable.Row(
        [
          .init("\(worker.tenant)/\(worker.id)", .strong), .init(phase(worker), style(worker)),
          .init(worker.health ?? "-"), .init(worker.startedAt.map { Display.age(now - $0) } ?? "-", .faint),
          .init(worker.spent.map(Display.money) ?? "-"), .init(worker.branch ?? "-", .faint),
          .init(worker.pid.map { String($0) } ?? "-", .faint),
        ], note: worker.reason.map { .init($0, .faint) })
    }
    return TextTable(columns, rows).lines(width: width, paint: paint)
  }

  private func phase(_ worker: WorkerRow) -> String {
    switch worker.phase {
    case .pending: worker.position.map { "pending (place \($0))" } ?? "pending"
    case .exited: worker.exitCode.map { "exited (\($0))" } ?? "exited"
    case .starting, .running, .failed: worker.phase.rawValue
    }
  }

  private func style(_ worker: WorkerRow) -> Paint.Style {
    switch worker.phase {
    case .running: .good
    case .pending, .starting: .warning
    case .failed: .bad
    case .exited: worker.exitCode == 0 ? .plain : .bad
    }
  }
}
