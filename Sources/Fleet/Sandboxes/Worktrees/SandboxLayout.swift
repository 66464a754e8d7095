import Glibc
import SystemPackage
import Tenant

/// Where a tenant's sandboxes live. Everything below `root` belongs to the tenant's user; nothing of it is in DATA or in a
/// repository.
struct SandboxLayout: Hashable, Sendable {
  let root: FilePath

  init(root: FilePath) { self.root = root }

  /// The workers' working trees, `trees/WORKER`.
  var trees: FilePath { root.appending("trees") }
  /// Private repositories, `repos/NAME.git`.
  var repositories: FilePath { root.appending("repos") }
  /// Recycled working trees, `pool/NAME/ID`.
  var pool: FilePath { root.appending("pool") }
  /// Working trees in the making; each is dropped when its maker dies.
  var staging: FilePath { root.appending("staging") }
  /// Working trees given back, to be recycled or deleted by the next sweep.
  var trash: FilePath { root.appending("trash") }
  /// Locks: of openings, by worker, and of audits, by repository.
  var records: FilePath { root.appending("records") }

  /// What audits took out of repositories, by worker.
  var quarantine: FilePath { root.appending("quarantine") }

  func tree(_ worker: SandboxName) -> FilePath { trees.appending(worker.text) }
  /// Held while a worker's sandbox is being opened.
  func openingLock(_ worker: SandboxName) -> FilePath { records.appending("\(worker).opening") }
  func temporary(_ worker: SandboxName) -> FilePath { root.appending("tmp").appending(worker.text) }
  func pool(_ repository: SandboxName) -> FilePath { pool.appending(repository.text) }

  func privateRepository(_ name: SandboxName) -> FilePath { repositories.appending("\(name).git") }

  func prepare() throws(HostError) {
    for directory in [trees, staging, trash, records] { try Directory.create(directory, mode: 0o700) }
  }
}

/// Our corner of a repository's common directory. `git` and libgit2 look at neither it nor anything in it.
struct RepositoryCorner: Hashable, Sendable {
  let common: FilePath

  init(common: FilePath) { self.common = common }

  private var corner: FilePath { common.appending("looop") }
  var staging: FilePath { corner.appending("staging") }
  var trash: FilePath { corner.appending("trash") }

  func prepare() throws(HostError) {
    for directory in [staging, trash] { try Directory.create(directory) }
  }

  /// Held around branch and admin directory only: milliseconds. Programs other than ours do not take it, so nothing
  /// relies on it for more than telling our own unfinished work from work in progress.
  func lock() throws(HostError) -> FileLock {
    try FileLock(waitingFor: corner.appending("lock"))
  }
}
