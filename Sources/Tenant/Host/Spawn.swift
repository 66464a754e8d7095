import CLinux
import Glibc
package import SystemPackage

/// A program to start: what, with what, where. Starting it is `posix_spawn`: 0.4 ms, and no thread or event loop of ours.
package struct Spawn: Sendable {
  package enum Stream: Hashable, Sendable {
    case null
    case inherit
    /// A descriptor of the caller, lent for the start.
    case descriptor(CInt)
  }

  package var executable: FilePath
  package var arguments: [String]
  package var environment: HostEnvironment
  package var directory: FilePath?
  package var input = Stream.null
  package var output = Stream.null
  package var errors = Stream.null
  /// A session of its own (and so a group of its own); otherwise a group of its own only.
  package var newSession = false
  /// The kernel kills it when the thread that started it ends, however that ends. Of what it starts itself, only what it becomes by
  /// `exec` goes with it.
  package var diesWithUs = false

  package init(_ executable: FilePath, _ arguments: [String], environment: HostEnvironment, directory: FilePath? = nil)
  {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
  }

  /// `bash -c SCRIPT`.
  package static func shell(_ script: String, environment: HostEnvironment, directory: FilePath?) -> Spawn {
    Spawn("/bin/bash", ["-c", script], environment: environment, directory: directory)
  }

  /// Starts it as the leader of its own group. The pid is a child of ours: somebody must wait for it.
  package func start() throws(HostError) -> Int32 {
    if diesWithUs { return try startDependent() }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    for (target, stream) in [(CInt(0), input), (1, output), (2, errors)] {
      switch stream {
      case .inherit: break
      case .null: unsafe posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_RDWR, 0)
      case .descriptor(let source): unsafe posix_spawn_file_actions_adddup2(&actions, source, target)
      }
    }
    if let directory {
      _ = unsafe directory.withPlatformString { unsafe clinux_spawn_in_directory(&actions, $0) }
    }
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var mask = sigset_t()
    unsafe sigemptyset(&mask)
    unsafe posix_spawnattr_setsigmask(&attributes, &mask)
    unsafe sigfillset(&mask)
    unsafe posix_spawnattr_setsigdefault(&attributes, &mask)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    let group = newSession ? CInt(clinux_spawn_new_session) : CInt(POSIX_SPAWN_SETPGROUP)
    unsafe posix_spawnattr_setflags(
      &attributes, Int16(group | CInt(POSIX_SPAWN_SETSIGMASK) | CInt(POSIX_SPAWN_SETSIGDEF)))

    var pid: pid_t = 0
    let status = unsafe CStrings([executable.string] + arguments).withPointers { argv in
      unsafe CStrings(environment.entries).withPointers { envp in
        unsafe posix_spawn(&pid, executable.string, &actions, &attributes, argv, envp)
      }
    }
    guard status == 0 else { throw HostError("start", executable, errno: status) }
    return pid
  }

  private func startDependent() throws(HostError) -> Int32 {
    // Without /dev/null the child has the stream of ours that it would have had.
    let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { if null >= 0 { close(null) } }
    let streams = [input, output, errors].map { stream -> CInt in
      switch stream {
      case .null: null
      case .inherit: -1
      case .descriptor(let source): source
      }
    }
    // No directory of its own is the one that we are in.
    let pid = unsafe CStrings([executable.string] + arguments).withPointers { argv in
      unsafe CStrings(environment.entries).withPointers { envp in
        unsafe clinux_spawn_dependent(executable.string, argv, envp, directory?.string ?? ".", streams)
      }
    }
    guard pid > 0 else { throw .last("start", executable) }
    return pid
  }
}

/// A NULL-terminated `char **` for the time of one call.
package struct CStrings {
  private let strings: [String]
  package init(_ strings: [String]) { self.strings = strings }

  package func withPointers<Result>(
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) throws -> Result
  ) rethrows -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) }
    defer { unsafe pointers.forEach { unsafe free($0) } }
    unsafe pointers.append(nil)
    return try unsafe pointers.withUnsafeMutableBufferPointer { try unsafe body($0.baseAddress!) }
  }
}
