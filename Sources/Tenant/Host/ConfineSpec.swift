package import SystemPackage

/// What a process of a tenant is held to, as a plain value: made by the supervisor's policy, carried in one argument, applied
/// by the trampoline (``Confine``). It holds decisions only; nothing in it is looked up again on the other side.
///
/// *Shape*: `{"v":1,"identity":{"uid":1001,"gid":1001,"groups":[1001]},"umask":63,"control_groups":["/sys/fs/cgroup/…/cgroup.procs"],
/// "limits":[{"name":"open_files","soft":4096,"hard":16384}],"no_new_privileges":true,"landlock":{"rules":[{"path":"/usr",
/// "access":"read","required":false}],"scoped_sockets":true},"make":["/home/a/.looop/web/tmp"],"directory":"/srv/web",
/// "new_session":true,"parent_death_signal":null,"expected_parent":null,"oom_score":300,"undumpable":true,"keep":[]}`
package struct ConfineSpec: Hashable, Sendable {
  /// The user to become, for good.
  package struct Identity: Hashable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    /// All supplementary groups; those of who started us are dropped.
    package var groups: [UInt32]

    package init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
      self.uid = uid
      self.gid = gid
      self.groups = groups
    }
  }

  /// One resource limit of the process and its children.
  package struct Limit: Hashable, Sendable {
    package enum Resource: String, Sendable, CaseIterable {
      case core, openFiles = "open_files", processes, fileSize = "file_size", lockedMemory = "locked_memory"
      case pendingSignals = "pending_signals", messageQueues = "message_queues"
    }
    package var resource: Resource
    package var soft: UInt64
    package var hard: UInt64

    package init(_ resource: Resource, soft: UInt64, hard: UInt64) {
      self.resource = resource
      self.soft = soft
      self.hard = hard
    }
  }

  /// What the process may do with files; whatever no rule allows is denied.
  package struct Landlock: Hashable, Sendable {
    package enum Access: String, Sendable, CaseIterable {
      /// Read, list, execute.
      case read
      /// Read and write what is there, make nothing: devices, `/proc`.
      case modify
      /// Everything.
      case write
    }
    package struct Rule: Hashable, Sendable {
      package var path: FilePath
      package var access: Access
      /// A path that cannot be opened is skipped (then it stays denied), unless it is required.
      package var required: Bool

      package init(_ path: FilePath, _ access: Access, required: Bool = false) {
        self.path = path
        self.access = access
        self.required = required
      }
    }
    package var rules: [Rule]
    /// Abstract Unix sockets of processes outside cannot be connected to (kernel 6.12).
    package var scopedSockets: Bool

    package init(rules: [Rule], scopedSockets: Bool) {
      self.rules = rules
      self.scopedSockets = scopedSockets
    }
  }

  /// nil: stay who we are.
  package var identity: Identity?
  package var umask: UInt32?
  /// `cgroup.procs` files to join, opened before the user changes.
  package var controlGroups: [FilePath] = []
  package var limits: [Limit] = []
  package var noNewPrivileges = false
  package var landlock: Landlock?
  /// Directories that must be there, made with mode 0700 by the user who needs them.
  package var make: [FilePath] = []
  /// Where to work; entered as the new user.
  package var directory: FilePath?
  package var newSession = false
  /// Delivered when the *thread* that started us ends, so only of use to a starter with a thread that stays.
  package var parentDeathSignal: Int32?
  /// Refuse where somebody else is our parent by now: ours has died already.
  package var expectedParent: Int32?
  /// `/proc/self/oom_score_adj`: a tenant must not inherit the supervisor's protection.
  package var oomScore: Int?
  /// No core file, no debugger and nobody's look into `/proc/PID`, until another program is executed.
  package var undumpable = false
  /// Descriptors above 2 that stay open; every other one is closed.
  package var keep: [Int32] = []

  package init() {}
}
