internal import GRDB
import SystemPackage
package import Tenant

/// opencode's sessions, from the database in which it keeps them: what `looop`, which has no SQLite, cannot read. Runs as the tenant, as
/// `looop-fleet _opencode`: what lies there is the tenant's, and may be anything.
///
/// *Source*: opencode's tables `session` (`directory`, `time_created` in milliseconds) and `message` (`data`, JSON: one row for each
/// request to a model). Reasoning is counted beside the output, and is billed as output.
package enum OpencodeSessions {
  /// More than a day of one tenant's work.
  private static let maximumMessages = 50_000

  /// *Shape* of the request: `{"directory":"/…","since":unix,"excluding":["ses_…"]}`; of the answer: `{"ok":true,"transcripts":[…]}` or
  /// `{"ok":false,"message":"…"}`.
  package static func answer(_ request: JSON, environment: HostEnvironment) -> JSON {
    guard let directory = request["directory"]?.string, let since = request["since"]?.int else {
      return ["ok": false, "message": "a directory and a time are expected"]
    }
    guard let path = database(environment) else { return ["ok": false, "message": "there is no home to look in"] }
    do {
      let transcripts = try read(
        path, directory: FilePath(directory), since: since,
        excluding: Set((request["excluding"]?.array ?? []).compactMap(\.string)))
      return ["ok": true, "transcripts": .array(transcripts.map(\.json))]
    } catch {
      return ["ok": false, "message": .string("opencode's database cannot be read: \(error)")]
    }
  }

  static func database(_ environment: HostEnvironment) -> FilePath? {
    if let named = environment["OPENCODE_DB"] { return FilePath(named) }
    let share =
      environment["XDG_DATA_HOME"].map { FilePath($0) }
      ?? environment["HOME"].map { FilePath($0).pushing(".local/share") }
    return share?.appending("opencode").appending("opencode.db")
  }

  /// The sessions that began there since then, with the calls of their models. Throws where the database is not what it was when this
  /// was written: its silence must not be taken for zero.
  static func read(
    _ path: FilePath, directory: FilePath, since: Int64, excluding: Set<String>
  ) throws -> [Transcript] {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(1)
    let wanted = directory.lexicallyNormalized()
    return try DatabaseQueue(path: path.string, configuration: configuration).read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT m.id, m.session_id, m.data, s.directory, s.time_created / 1000 AS began
          FROM message m JOIN session s ON s.id = m.session_id
          WHERE s.time_created >= ? ORDER BY s.time_created, m.session_id, m.time_created, m.id LIMIT ?
          """, arguments: [since * 1000, maximumMessages])
      if rows.isEmpty, try holdsNewerForm(database, since: since) {
        throw LedgerError(.newer, "read it", path: path, detail: "its messages are in a table that is not known here")
      }
      var found: [Transcript] = []
      for row in rows {
        let session: String = row["session_id"]
        let place = FilePath(row["directory"] as String).lexicallyNormalized()
        guard place.starts(with: wanted), !excluding.contains(session) else { continue }
        if found.last?.session != session {
          found.append(Transcript(runner: "opencode", session: session, directory: place, startedAt: row["began"]))
        }
        // A message that is no JSON is one of which nothing is known.
        let data = (try? JSON(parsing: row["data"] as String)) ?? .null
        found[found.count - 1].take(data, id: row["id"])
      }
      return found.filter { !$0.events.isEmpty || $0.isOpen }
    }
  }

  private static func holdsNewerForm(_ database: Database, since: Int64) throws -> Bool {
    guard try database.tableExists("session_message") else { return false }
    return try Bool.fetchOne(
      database, sql: "SELECT 1 FROM session_message WHERE time_created >= ? LIMIT 1", arguments: [since * 1000])
      ?? false
  }
}

extension Transcript {
  /// One row of `message`: a question opens a call, a finished answer closes it.
  fileprivate mutating func take(_ data: JSON, id: String) {
    guard data["role"]?.string == "assistant" else {
      isOpen = true
      return
    }
    func count(_ json: JSON?) -> Int64 { max(0, json?.int ?? 0) }
    let tokens = data["tokens"]
    let used = TokenCount(
      input: count(tokens?["input"]), cacheRead: count(tokens?["cache"]?["read"]),
      cacheWrite: count(tokens?["cache"]?["write"]),
      output: count(tokens?["output"]) + count(tokens?["reasoning"]))
    // Finished without a token is a count that was lost; with an error, one that never was.
    isOpen = data["error"]?.object == nil && (data["time"]?["completed"]?.int == nil || used.total == 0)
    guard used.total > 0 else { return }
    // A cost of 0 beside tokens is no price: a subscription, or a model that opencode cannot price.
    let cost = data["cost"]?.double.flatMap { MicroUSD(reported: $0) }.flatMap { $0 > .zero ? $0.micros : nil }
    events.append(
      TranscriptEvent(
        id: "opencode/\(id)", model: data["modelID"]?.string, tokens: used, microUSD: cost,
        at: data["time"]?["created"]?.int.map { $0 / 1000 }))
  }
}
