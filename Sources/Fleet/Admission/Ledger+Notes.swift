internal import GRDB

extension Ledger {
  /// Small facts of the supervisor that must survive it, by a key of its choosing; nil forgets.
  package func note(_ key: String, _ value: String?) throws(LedgerError) {
    try write("write a note") { database in
      if let value {
        try database.execute(
          cached: "INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
          arguments: [key, value])
      } else {
        try database.execute(cached: "DELETE FROM notes WHERE key = ?", arguments: [key])
      }
    }
  }

  package func note(_ key: String) throws(LedgerError) -> String? {
    try read("read a note") {
      try String.fetchOne($0, cached: "SELECT value FROM notes WHERE key = ?", arguments: [key])
    }
  }

  /// All notes whose key begins so.
  package func notes(prefix: String) throws(LedgerError) -> [String: String] {
    try read("read notes") { database in
      let rows = try Row.fetchAll(
        database, cached: "SELECT key, value FROM notes WHERE substr(key, 1, length(?1)) = ?1", arguments: [prefix])
      return Dictionary(uniqueKeysWithValues: rows.map { ($0["key"] as String, $0["value"] as String) })
    }
  }
}
