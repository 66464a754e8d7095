/// Finds signals that change at nearly every beat (a timestamp in `.signal`, say): they defeat the gate that makes an unchanged
/// world free. A changed signal counts up, an unchanged one down, so that change-change-still flaps too.
/// Shape: `{"v":1,"snaps":{stem:{"last":signal,"streak":n}}}`.
package struct FlapLedger: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package var last: String
    package var streak: Int
  }

  package struct Flapping: Hashable, Sendable {
    package var stem: String
    package var streak: Int
    /// The threshold was reached at this very beat: the one time to warn.
    package var isNew: Bool
  }

  package private(set) var entries: [String: Entry]

  package init(entries: [String: Entry] = [:]) { self.entries = entries }

  /// A corrupt entry is a first sighting.
  package init(json: JSON?) {
    entries = (json?["snaps"]?.object ?? [:]).compactMapValues { entry in
      guard let last = entry["last"]?.string, let streak = entry["streak"]?.int, streak >= 0 else { return nil }
      return Entry(last: last, streak: Int(clamping: streak))
    }
  }

  package var json: JSON {
    ["v": 1, "snaps": .object(entries.mapValues { ["last": .string($0.last), "streak": .int(Int64($0.streak))] })]
  }

  /// The ledger after one more beat, and what flaps. `threshold` 0 = off. A snapshot that is absent loses its streak.
  package func advanced(by snapshots: [World.Snapshot], threshold: Int) -> (ledger: FlapLedger, flapping: [Flapping]) {
    var next: [String: Entry] = [:]
    var flapping: [Flapping] = []
    for snapshot in snapshots {
      let signal = snapshot.item
      var entry = entries[snapshot.stem] ?? Entry(last: signal, streak: 0)
      let before = entry.streak
      entry.streak = entry.last == signal ? max(0, entry.streak - 1) : entry.streak + 1
      entry.last = signal
      next[snapshot.stem] = entry
      if threshold > 0, entry.streak >= threshold {
        flapping.append(
          Flapping(stem: snapshot.stem, streak: entry.streak, isNew: before < threshold && entry.streak == threshold))
      }
    }
    return (FlapLedger(entries: next), flapping)
  }
}
