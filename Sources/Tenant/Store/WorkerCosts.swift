import SystemPackage

/// `.worker-costs.json`: which workers' sessions stand in `cost.jsonl`, and what the others have used so far.
///
/// *Shape*: `{"v":1,"settled":{"mend":"<generation>"},"running":{"mend":120000}}`
package struct WorkerCosts: Hashable, Sendable {
  /// The generation of each worker that is charged.
  package var settled: [String: String]
  /// Micro-dollars of each live worker.
  package var running: [String: Int64]

  package init(settled: [String: String] = [:], running: [String: Int64] = [:]) {
    self.settled = settled
    self.running = running
  }

  /// A lost or broken record charges nothing twice: a session that has its row is known by it.
  package static func read(_ data: DataDir) -> WorkerCosts {
    let json = StateFile.read(path(data)).value
    return WorkerCosts(
      settled: (json?["settled"]?.object ?? [:]).compactMapValues(\.string),
      running: (json?["running"]?.object ?? [:]).compactMapValues { $0.int.map { max(0, $0) } })
  }

  package func write(_ data: DataDir) throws(HostError) {
    try StateFile.write(
      [
        "v": 1, "settled": .object(settled.mapValues(JSON.string)), "running": .object(running.mapValues(JSON.int)),
      ], to: Self.path(data))
  }

  /// What live workers have used, together.
  package var runningSum: Int64 { running.values.reduce(0) { $0.addingReportingOverflow($1).partialValue } }

  static func path(_ data: DataDir) -> FilePath { data.root.appending(".worker-costs.json") }
}
