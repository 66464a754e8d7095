/// What a changed file of a tenant means. The watch only says «something of this name, there»; whoever acts on it looks again.
struct FileTouch: Hashable {
  var nudge: Nudge
  /// The last report does not say it: the tenant's mailbox, workers or parked moves may be others now.
  var outdatesReport = false

  /// Nil where it means nothing: dotted names are locks, temporaries and the loop's own notes. `place` is the watched directory as
  /// the take-over named it.
  init?(place: String, name: String) {
    guard !name.hasPrefix("."), !name.isEmpty, !name.hasSuffix(".dirlock") else { return nil }
    switch place {
    case "data" where ["PLAYBOOK.md", "config.json", "rules.json"].contains(name): nudge = .touched
    case "goals", "schedules", "sensors": nudge = .touched
    case "answers": (nudge, outdatesReport) = (.touched, true)
    case "asks", "workers", "parked": (nudge, outdatesReport) = (.stirred, true)
    default: return nil
    }
  }
}
