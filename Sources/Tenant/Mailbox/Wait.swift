import SystemPackage

/// `looop wait`: stands still until something happened that the caller has not seen. It watches the files; a slow poll is the
/// net, and the way to see that the pulse is gone.
package struct Wait: Sendable {
  package enum Filter: Sendable { case any, actionable, onlyAsks }

  package struct Outcome: Hashable, Sendable {
    /// `asks`, `journal`, `playbook`, `goals`, `snapshots`, or `pulse-down` alone.
    package var changed: [String]
    /// For the next `--after`.
    package var token: String
    package var isPulseDown: Bool { changed == [Self.pulseDown] }

    static let pulseDown = "pulse-down"
  }

  package let data: DataDir
  package var filter = Filter.any
  /// `LOOOP_WAIT_POLL_MS`, at least 10.
  package var pollMilliseconds = 1000
  /// The files are read anew this often even if no watch says so.
  static let rescanEveryPolls = 10

  package init(_ data: DataDir, filter: Filter = .any, pollMilliseconds: Int = 1000) {
    self.data = data
    self.filter = filter
    self.pollMilliseconds = max(10, pollMilliseconds)
  }

  /// Blocks. Without `after`, any pending ask is news; with it, only what is newer than that token.
  /// Throws ``Refusal`` `invalid` for a token that is none.
  package func run(after token: String? = nil) throws -> Outcome {
    var baseline: WakeMark?
    if let token {
      guard let mark = WakeMark(token: token) else {
        throw Refusal(.invalid, "\(token) is no token of wait", hint: "take the token of the last wake")
      }
      baseline = mark
    }
    // Watched before the first look: a write in between is not missed.
    let watch = watched()
    var polls = 0
    var mustLook = true
    while true {
      if mustLook || polls >= Self.rescanEveryPolls {
        polls = 0
        let pending = Asks(data).pending().asks
        let mark = WakeMark.read(data, pending: pending)
        let isFirst = baseline == nil
        let old = baseline ?? mark
        baseline = old
        var changed = mark.changes(since: old).filter(concerns)
        // An ask that nobody has seen is news, whenever it came.
        if token == nil, !pending.isEmpty, isFirst || !changed.contains("asks") {
          changed = ["asks"] + changed.filter { $0 != "asks" }
        }
        if !changed.isEmpty { return Outcome(changed: changed, token: mark.token) }
        // Old asks that went away must not hide a later one of the same mark; the rest waits for its filter.
        baseline?.asks = old.asks.forgetting(allBut: mark.asks)
        mustLook = false
      }
      guard FileLock.isHeld(data.pulseLock) else {
        let mark = WakeMark.read(data, pending: Asks(data).pending().asks)
        return Outcome(changed: [Outcome.pulseDown], token: mark.token)
      }
      mustLook = pause(watch)
      polls += 1
    }
  }

  private func concerns(_ category: String) -> Bool {
    switch filter {
    case .any: true
    case .actionable: category == "asks" || category == "journal"
    case .onlyAsks: category == "asks"
    }
  }

  private func watched() -> FileWatch? {
    AskBlock.watch([data.root, data.asks, data.answers, data.goals, data.snapshots])
  }

  /// Whether to look: something changed, or nothing can be watched.
  private func pause(_ watch: borrowing FileWatch?) -> Bool {
    switch watch {
    case .some(let watch): return watch.wait(milliseconds: pollMilliseconds)
    case .none:
      FileWatch.pause(nil, milliseconds: pollMilliseconds)
      return true
    }
  }
}
