/// What a tenant's workers get with their sandboxes, and how long these stay.
package struct SandboxConfiguration: Sendable, Hashable {
  /// Which ignored files of the repository's own checkout a sandbox gets a copy of.
  package enum Include: Sendable, Hashable {
    case none
    /// Those that the checkout's `.worktreeinclude` names.
    case listed
    /// Those that match these patterns, in the form of `.gitignore`.
    case patterns([String])
  }

  /// All worktrees, private repositories and the warm pool of the tenant together.
  package var disk: ByteSize?
  /// Run as the tenant in the new worktree before its worker starts, and before it is given back. Commands of the operator's: what
  /// a repository brings along is never run.
  package var setup: String?
  package var teardown: String?
  package var setupTimeout: Duration
  package var include: Include
  /// So many TCP ports of its own for each sandbox; 0: none.
  package var ports: Int
  /// Recycled worktrees kept ready for each repository, at most.
  package var warmPool: Int
  /// How long the worktree of a worker stays after its end, and of one that failed.
  package var keep: Duration
  package var keepFailed: Duration
  /// A repository of the tenant's own even where nobody shares the source with it.
  package var isPrivate: Bool

  package init(_ settings: SandboxSettings = SandboxSettings()) {
    disk = settings.disk.value
    setup = settings.setup.value
    teardown = settings.teardown.value
    setupTimeout = settings.setupTimeout ?? .seconds(600)
    include = settings.include ?? .listed
    ports = settings.ports ?? 10
    warmPool = settings.warmPool ?? 1
    keep = settings.keep ?? .zero
    keepFailed = settings.keepFailed ?? keep
    isPrivate = settings.isPrivate ?? false
  }
}

/// The keys below `sandboxes:`, as one file says them.
package struct SandboxSettings: Sendable, Hashable {
  package var disk = LimitSetting<ByteSize>.unset
  package var setup = LimitSetting<String>.unset
  package var teardown = LimitSetting<String>.unset
  package var setupTimeout: Duration?
  package var include: SandboxConfiguration.Include?
  package var ports: Int?
  package var warmPool: Int?
  package var keep: Duration?
  package var keepFailed: Duration?
  package var isPrivate: Bool?

  package init() {}

  package func over(_ lower: SandboxSettings) -> SandboxSettings {
    var merged = self
    merged.disk = disk.over(lower.disk)
    merged.setup = setup.over(lower.setup)
    merged.teardown = teardown.over(lower.teardown)
    merged.setupTimeout = setupTimeout ?? lower.setupTimeout
    merged.include = include ?? lower.include
    merged.ports = ports ?? lower.ports
    merged.warmPool = warmPool ?? lower.warmPool
    merged.keep = keep ?? lower.keep
    merged.keepFailed = keepFailed ?? lower.keepFailed
    merged.isPrivate = isPrivate ?? lower.isPrivate
    return merged
  }
}
