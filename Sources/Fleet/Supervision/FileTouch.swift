/// What a changed file of a tenant means. The watch only says «something of this name, there»; whoever acts on it looks again.
enum FileTouch {
  /// `place` is the watched directory as the take-over named it; dotted names are locks, temporaries and the loop's own notes.
  static func nudge(place: String, name: String) -> Nudge? {
    guard !name.hasPrefix("."), !name.isEmpty else { return nil }
    switch place {
    case "data": return ["PLAYBOOK.md", "config.json", "rules.json"].contains(name) ? .touched : nil
    case "goals", "answers", "schedules", "sensors": return name.hasSuffix(".dirlock") ? nil : .touched
    case "asks", "workers", "parked", "tells": return .stirred
    default: return nil
    }
  }
}
