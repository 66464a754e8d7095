import SystemPackage
import Tenant

/// The history of a shallow clone, which ends where its `shallow` file says. libgit2's own walk does not know that file and stops with an
/// error at the first parent that is not there. Such a history is short: it is walked whole.
enum ShallowHistory {
  /// Each commit's place in an order in which parents come first: times do not tell, a rebase makes many commits in one second.
  private typealias Order = [ObjectID: Int]

  /// Newest first.
  static func commits(
    from tips: [ObjectID], notIn known: [ObjectID], in repository: borrowing Repository
  ) throws(GitError) -> [ObjectID] {
    let hidden = try ancestors(of: known, in: repository)
    return sorted(try ancestors(of: tips, in: repository)).filter { hidden[$0] == nil }
  }

  /// The newest commit that both lead to.
  static func mergeBase(
    _ one: ObjectID, _ other: ObjectID, in repository: borrowing Repository
  ) throws(GitError) -> ObjectID? {
    let mine = try ancestors(of: [one], in: repository)
    return sorted(try ancestors(of: [other], in: repository)).first { mine[$0] != nil }
  }

  private static func sorted(_ order: Order) -> [ObjectID] { order.sorted { $0.value > $1.value }.map(\.key) }

  /// Them and all that they lead to. What is no commit, or gone, leads to nothing.
  private static func ancestors(
    of tips: [ObjectID], in repository: borrowing Repository
  ) throws(GitError) -> Order {
    let text = FileReading.of(repository.commonDirectory.appending("shallow")).text ?? ""
    let ends = Set(text.split(separator: "\n").compactMap { ObjectID(String($0)) })
    var found = Order()
    var begun: Set<ObjectID> = []
    var open: [ObjectID] = []
    for tip in tips where repository.isCommit(tip) { open.append(tip) }
    while let id = open.last {
      if begun.insert(id).inserted {
        if !ends.contains(id) { open += try repository.parents(of: id) }
      } else {
        open.removeLast()
        if found[id] == nil { found[id] = found.count }
      }
    }
    return found
  }
}
