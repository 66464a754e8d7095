import CGit2
import CLinux
import Glibc
import SystemPackage
import Tenant

/// Makes a used working tree equal to a commit, to the byte, and proves it: whatever the commit does not have goes, and every
/// file that stays is read and compared. Nothing that a former worker left is believed: not its index, not a time stamp.
///
/// A file that has another name elsewhere (a hard link through which it could be changed later), extended attributes or
/// unusual permissions is written anew.
struct TreeConvergence: Sendable {
  var repository: FilePath
  var commit: ObjectID
  var directory: FilePath
  var threads = 2

  struct Outcome: Hashable, Sendable {
    var checkout = Checkout.Outcome(files: 0)
    var rewritten = 0
    var removed = 0
  }

  func run(index indexPath: FilePath) throws -> Outcome {
    let repository = try Repository(opening: self.repository, bare: true)
    let index = try Index(at: indexPath)
    try index.read(commit: commit, of: repository)
    let entries = EntryList(index)
    let expected = ExpectedNames(entries)
    var outcome = Outcome(
      checkout: Checkout.Outcome(files: entries.count, attributes: SmudgePlan.attributes(entries)))
    try sweep(directory, [], expected, &outcome)
    let root = try OwnedDescriptor(opening: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    outcome.rewritten = try restore(entries, SmudgePlan(repository, commit: commit, entries: entries), root)
    try index.write()
    return outcome
  }

  /// Removes what the commit does not have, and puts right the directories that it has.
  private func sweep(_ place: FilePath, _ path: [UInt8], _ expected: ExpectedNames, _ outcome: inout Outcome) throws {
    try normalise(place)
    for name in try Files.rawNames(place) {
      let child = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
      let childPlace = place.appending(bytes: name)
      switch expected.kind(of: child) {
      case .directory where Files.isDirectory(childPlace): try sweep(childPlace, child, expected, &outcome)
      case .submodule where Files.isDirectory(childPlace) && Files.names(childPlace).isEmpty: try normalise(childPlace)
      case .file where !Files.isDirectory(childPlace): break
      case .directory, .submodule, .file, .nothing:
        try TreeRemoval.remove(childPlace)
        outcome.removed += 1
      }
    }
    // What is missing is made here, where every directory above is known to be one.
    for name in expected.directories(in: path) {
      let childPlace = place.appending(bytes: name)
      guard !Files.exists(childPlace) else { continue }
      try Files.makeDirectory(childPlace)
      try sweep(childPlace, path.isEmpty ? name : path + [UInt8(ascii: "/")] + name, expected, &outcome)
    }
  }

  private func normalise(_ place: FilePath) throws {
    guard let status = Files.status(place), status.st_mode & S_IFMT == S_IFDIR else {
      throw HostError("recycle", place, errno: ENOTDIR)
    }
    let wanted = 0o777 & ~Files.creationMask
    if status.st_mode & 0o7777 != wanted { try Files.setPermissions(place, wanted) }
    // A directory cannot be written anew without its contents; such a tree is not worth saving.
    if Files.hasAttributes(place) { throw HostError("recycle", place, errno: EEXIST) }
  }

  private func restore(_ entries: EntryList, _ plan: SmudgePlan, _ root: borrowing OwnedDescriptor) throws -> Int {
    let rewritten = Locked(0)
    let descriptor = root.raw
    try SharedWork(repository: repository, count: entries.count, threads: threads).run { own, next throws(GitError) in
      let writer = try FileWriter(own, root: descriptor, plan: plan)
      while let range = next() {
        var written = 0
        for position in range where try !writer.verify(entries, position) {
          try writer.remove(entries, position)
          try unsafe writer.write(entries[position])
          written += 1
        }
        rewritten.withLock { $0 += written }
      }
    }
    return rewritten.withLock { $0 }
  }
}

/// Which paths a commit has, for the look at a directory.
private struct ExpectedNames {
  enum Kind { case file, directory, submodule, nothing }

  private var kinds: [[UInt8]: Kind] = [:]
  private var children: [[UInt8]: [[UInt8]]] = [:]

  init(_ entries: EntryList) {
    for position in 0..<entries.count {
      let path = entries.bytes(position)
      let isSubmodule = unsafe entries[position].pointee.mode == GIT_FILEMODE_COMMIT.rawValue
      kinds[path] = isSubmodule ? .submodule : .file
      if isSubmodule { add(path) }
      var parent = Self.parent(of: path)
      while !parent.isEmpty, kinds[parent] == nil {
        kinds[parent] = .directory
        add(parent)
        parent = Self.parent(of: parent)
      }
    }
  }

  private mutating func add(_ directory: [UInt8]) {
    let parent = Self.parent(of: directory)
    children[parent, default: []].append(Array(directory.dropFirst(parent.isEmpty ? 0 : parent.count + 1)))
  }

  private static func parent(of path: [UInt8]) -> [UInt8] {
    path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[..<$0]) } ?? []
  }

  func kind(of path: [UInt8]) -> Kind { kinds[path] ?? .nothing }
  func directories(in path: [UInt8]) -> [[UInt8]] { children[path] ?? [] }
}
