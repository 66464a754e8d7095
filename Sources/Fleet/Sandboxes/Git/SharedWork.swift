import Dispatch
import SystemPackage
import Tenant

/// Many small things of one repository, done on several threads. Each has a handle of its own: a shared one serialises them on its locks.
struct SharedWork: Sendable {
  /// The common directory of the repository that has the objects.
  var repository: FilePath
  var count: Int
  var threads = 2
  /// How many one thread takes at a time: few enough to end together, many enough not to fight over the counter.
  var chunk = 128

  /// `work` asks for its next things until there are none. The first error ends it all.
  func run(
    _ work: @Sendable (borrowing Repository, _ next: () -> Range<Int>?) throws(GitError) -> Void
  ) throws(GitError) {
    guard count > 0 else { return }
    let (position, failure) = (Locked(0), Locked<GitError?>(nil))
    DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count / chunk + 1))) { _ in
      do throws(GitError) {
        try work(Repository(opening: repository, bare: true)) {
          guard failure.withLock({ $0 == nil }) else { return nil }
          let start = position.withLock { value in
            defer { value += chunk }
            return value
          }
          return start < count ? start..<min(start + chunk, count) : nil
        }
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
