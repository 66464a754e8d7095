import SystemPackage
import Tenant

/// How the directories of one repository stood before its workers came: the measure for what those change. Which directories these
/// are, the source or a private twin, may be others after each change of the configuration; each has a measure of its own. What is in
/// a snapshot is the helper's affair.
struct RepositoryBaseline: Hashable, Sendable {
  struct Directory: Hashable, Sendable {
    var snapshot: JSON
    /// Workers were there since, and nobody has looked what they did.
    var isOpen: Bool
  }

  /// By path.
  var directories: [String: Directory] = [:]
  /// Why there are no new sandboxes of it, until somebody looked.
  var blocked: String?

  var snapshots: [JSON] { directories.sorted { $0.key < $1.key }.map(\.value.snapshot) }
  var isOpen: Bool { directories.values.contains(where: \.isOpen) }
  /// The directories whose measure stands.
  var open: [String] { directories.filter(\.value.isOpen).keys.sorted() }

  /// The measure for a directory's first worker, and for all that come while he is there.
  mutating func begin(_ snapshots: [JSON]) {
    for snapshot in snapshots {
      guard let path = snapshot["directory"]?["path"]?.string else { continue }
      // What the same repository led to before, while nobody was at work, is the measure of nothing.
      if let source = snapshot["repo_path"]?.string {
        directories = directories.filter { $0.value.isOpen || $0.value.snapshot["repo_path"]?.string != source }
      }
      directories[path] = Directory(snapshot: snapshot, isOpen: true)
    }
  }

  /// What an audit answered becomes the measure for the next one.
  ///
  /// - `isOpen`: somebody is still at work there.
  /// - `words`: why there are to be no new sandboxes. How it should be is then known from before only; and that another audit, perhaps
  ///   an earlier one whose answer was late, found nothing of it lifts nothing.
  mutating func take(_ snapshots: [JSON], isOpen: Bool, blocked words: String?) {
    blocked = words ?? blocked
    for snapshot in snapshots {
      guard let path = snapshot["directory"]?["path"]?.string, let known = directories[path]?.snapshot else { continue }
      directories[path]?.isOpen = isOpen
      if blocked == nil, !Self.isEarlier(snapshot, than: known) { directories[path]?.snapshot = snapshot }
    }
  }

  /// Two helpers that end together answer in any order.
  private static func isEarlier(_ snapshot: JSON, than other: JSON) -> Bool {
    let (one, two) = (snapshot["directory"], other["directory"])
    guard one?["boot_id"] == two?["boot_id"] else { return false }
    return one?["taken_s"]?.double ?? 0 < two?["taken_s"]?.double ?? 0
  }

  /// Directories that are no more, unless others were measured in their places meanwhile.
  mutating func forget(_ gone: [JSON]) {
    directories = directories.filter { entry in !gone.contains { $0 == entry.value.snapshot["directory"] } }
  }

  /// Somebody does something there again.
  mutating func reopen() {
    for path in directories.keys { directories[path]?.isOpen = true }
  }

  /// Somebody mended it. What was not put right meanwhile is looked at again.
  mutating func lift() {
    blocked = nil
    reopen()
  }

  /// A private twin that was given up.
  mutating func forget(below root: FilePath) {
    directories = directories.filter { !FilePath($0.key).starts(with: root) }
  }
}

extension RepositoryBaseline {
  var json: JSON {
    [
      "v": 2, "blocked": .optional(blocked),
      "directories": .object(directories.mapValues { ["snapshot": $0.snapshot, "open": .bool($0.isOpen)] }),
    ]
  }

  init?(json: JSON) {
    guard json["v"]?.int == 2, let members = json["directories"]?.object else { return nil }
    for (path, value) in members {
      guard let snapshot = value["snapshot"] else { return nil }
      directories[path] = Directory(snapshot: snapshot, isOpen: value["open"]?.bool ?? true)
    }
    blocked = json["blocked"]?.string
  }
}
