import SystemPackage
import Tenant

/// What a private repository's own commits need must be in it: git does not store again what can be borrowed, also where the source has it
/// only by chance, on no ref, until its next `gc`. Only what the source's own branches lead to is held there.
enum BorrowedObjects {
  /// Commits whose objects were copied already, a line each.
  private static func noted(_ common: FilePath) -> FilePath { common.appending("looop/own-commits") }
  private static let most = 1000

  /// Copies what is reachable from `tips` (all of its own refs and heads, if none are named) and not held by the source.
  static func keep(in common: FilePath, tips: [ObjectID]? = nil) throws {
    guard Files.exists(common.appending("objects/info/alternates")) else { return }
    let repository = try Repository(opening: common, bare: true)
    let references = try repository.references()
    let held = references.filter {
      $0.name.hasPrefix("refs/remotes/\(PrivateRepository.remote)/") || $0.name == PrivateRepository.sourceHead
    }
    let heads = Worktree.all(common: common).compactMap {
      Files.line($0.directory.appending("HEAD")).flatMap(ObjectID.init)
    }
    let own = tips ?? (references.filter { !held.contains($0) }.map(\.target) + heads)
    let text = FileReading.of(noted(common)).text ?? ""
    let before = text.split(separator: "\n").compactMap { ObjectID(String($0)) }
    let new = Set(own).subtracting(before)
    guard !new.isEmpty else { return }
    try PackTransfer.copy(
      Array(new), from: repository, to: common, hiding: held.map(\.target) + before, stays: true)
    let all = (before + new).suffix(most)
    try Directory.create(noted(common).removingLastComponent())
    try AtomicFile.write(all.map { "\($0)\n" }.joined(), to: noted(common))
  }
}
