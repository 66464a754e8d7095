import SystemPackage
import Tenant

/// Who works in a tenant's trees. A helper under Landlock does not see its tenant's other processes; so the supervisor looks as well, just
/// before it starts one, and what neither may see counts as being at work there.
struct TreeUsers: Hashable, Sendable {
  /// What the supervisor's places are relative to.
  var root: FilePath
  /// The supervisor's look; `nil` where nobody but the helper itself looks.
  var seen: DirectoryUsers?

  init(root: FilePath, seen: DirectoryUsers? = nil) {
    self.root = root
    self.seen = seen
  }

  /// *Request*: `{users?: {began_ns, found: {"trees/WORKER": [{pid, name}]}, hidden: [{pid, name}]}}`
  init(_ request: SandboxRequest) throws(SandboxError) {
    root = try request.layout().root
    seen = request.document["users"].flatMap(DirectoryUsers.init(json:))
  }

  /// How many names below the root tell one tree from another: `trees/WORKER`, `trash/ID`.
  static let depth = 2

  func find(in tree: FilePath) -> [String] {
    let own = DirectoryUsers.look(below: tree)
    var users = own.found[""] ?? []
    // A teardown may have ended some since the supervisor looked.
    let earlier = place(of: tree).flatMap { seen?.found[$0] } ?? []
    users += earlier.filter { user in !users.contains { $0.pid == user.pid } && user.mayLive }
    let hidden = (seen ?? own).hidden.filter(\.mayLive)
    return users.map(\.description) + hidden.map { "\($0), which may not be looked at" }
  }

  /// Whether the supervisor could have seen who works in a tree that stands where it does since `moved` (nanoseconds since 1970).
  func covers(movedAt moved: Int64) -> Bool { seen.map { moved < $0.began } ?? true }

  private func place(of tree: FilePath) -> String? {
    var rest = tree
    guard rest.removePrefix(root) else { return nil }
    return rest.components.prefix(Self.depth).map(\.string).joined(separator: "/")
  }
}
