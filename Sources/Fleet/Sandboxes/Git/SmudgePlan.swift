import CGit2
import Glibc
import SystemPackage

/// Whether files change between the repository and the working tree (line ends, `$Id$`), decided once for a checkout: asking
/// for each of 50,000 files costs more than writing them.
struct SmudgePlan: Sendable {
  /// Attributes are read from the commit itself, not from whatever stands in a working tree.
  var commit: ObjectID
  /// Attributes or the configuration may change some file: ask for each.
  var asksForEach: Bool
  /// `core.symlinks=false`: links are written as plain files, as git does.
  var linksAreFiles: Bool

  init(_ repository: borrowing Repository, commit: ObjectID, entries: EntryList) {
    self.init(repository, commit: commit, hasAttributes: !Self.attributes(entries).isEmpty)
  }

  /// `hasAttributes`: whether the commit has a `.gitattributes` anywhere.
  init(_ repository: borrowing Repository, commit: ObjectID, hasAttributes: Bool) {
    self.commit = commit
    linksAreFiles = !repository.configurationFlag("core.symlinks", default: true)
    let converts = repository.configurationFlag("core.autocrlf", default: false)
    asksForEach = converts || hasAttributes || Self.hasAttributes(repository)
  }

  private static func hasAttributes(_ repository: borrowing Repository) -> Bool {
    var places = [repository.commonDirectory.appending("info/attributes"), "/etc/gitattributes"]
    if let named = repository.configuration("core.attributesfile") { places.append(FilePath(named)) }
    if let home = unsafe getenv("HOME") {
      places.append(unsafe FilePath(String(cString: home)).appending(".config/git/attributes"))
    }
    if let xdg = unsafe getenv("XDG_CONFIG_HOME") {
      places.append(unsafe FilePath(String(cString: xdg)).appending("git/attributes"))
    }
    // A name with `~` cannot be looked at as it stands: assume that the file is there.
    return places.contains { path in unsafe path.string.hasPrefix("~") || access(path.string, F_OK) == 0 }
  }

  /// The blobs of all `.gitattributes`.
  static func attributes(_ entries: EntryList) -> [ObjectID] {
    var found: [ObjectID] = []
    let name = ".gitattributes"
    for position in 0..<entries.count {
      let path = unsafe entries[position].pointee.path!
      let length = unsafe strlen(path)
      guard length >= name.utf8.count, unsafe strcmp(path + (length - name.utf8.count), name) == 0 else { continue }
      if unsafe length == name.utf8.count || path[length - name.utf8.count - 1] == 47 {
        found.append(ObjectID(unsafe entries[position].pointee.id))
      }
    }
    return found
  }
}
