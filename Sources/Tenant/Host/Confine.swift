import CLinux
import Glibc
import SystemPackage

/// What is to be done once confined: go on in this process. Any other command has replaced the process by then.
package enum ConfinedCommand: Hashable, Sendable {
  /// The words of a verb of this same binary, without `looop` and without a leading `_`.
  case inProcess([String])
}

/// The trampoline: `looop _ confine SPEC -- COMMAND…`. Started by the supervisor with the tenant's environment and nothing
/// else of its own, it confines itself by the spec and becomes the command: a verb of this binary without another `execve`
/// (that is what keeps a beat at 2 ms), or any other program by its absolute path. `PATH` is never searched: it is the tenant's.
package enum Confine {
  /// Nothing was run: the confinement failed.
  package static let failure: Int32 = 125

  /// *Ends the process* with 125 and one line on stderr where any step fails, 126 or 127 where the program cannot run.
  package static func run(arguments: [String]) -> ConfinedCommand {
    guard arguments.count >= 3, arguments[1] == "--" else {
      fail(failure, "usage: looop _ confine SPEC -- COMMAND…")
    }
    let command = Array(arguments[2...])
    // Decided before the user changes: /proc/self/exe is closed to a process that has changed.
    let verb = verb(of: command)
    do {
      let spec = try ConfineSpec(json: try JSON(parsing: arguments[0]))
      wipe(arguments[0])
      try spec.apply()
    } catch {
      fail(failure, "confine: \(error)")
    }
    if let verb { return .inProcess(verb) }
    execute(command)
  }

  /// The verb's words where the command is this binary: by a bare name, or by a path to the same file.
  static func verb(of command: [String]) -> [String]? {
    var words = command[...]
    if command[0].hasPrefix("/") {
      guard isSelf(command[0]) else { return nil }
      words = words.dropFirst()
    } else if words.first == "looop" {
      words = words.dropFirst()
    }
    if words.first == "_" { words = words.dropFirst() }
    return Array(words)
  }

  private static func isSelf(_ path: String) -> Bool {
    var ours = stat()
    var theirs = stat()
    guard unsafe stat("/proc/self/exe", &ours) == 0, unsafe stat(path, &theirs) == 0 else { return false }
    return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino
  }

  static func execute(_ command: [String]) -> Never {
    let program = command[0]
    let environment = HostEnvironment.current()
    unsafe CStrings(command).withPointers { argv in
      unsafe CStrings(environment.entries).withPointers { envp in
        _ = unsafe execve(program, argv, envp)
      }
    }
    let error = HostError("run", FilePath(program), errno: errno)
    fail(error.isAbsent ? 127 : 126, "\(error)")
  }

  /// The spec names directories of the tenant; `/proc/PID/cmdline` is open to everybody.
  private static func wipe(_ text: String) {
    for index in 0..<Int(CommandLine.argc) {
      guard let argument = unsafe CommandLine.unsafeArgv[index] else { continue }
      if unsafe strcmp(argument, text) == 0 { unsafe clinux_wipe(argument) }
    }
  }

  static func fail(_ code: Int32, _ line: String) -> Never {
    let bytes = Array("looop: \(line)\n".utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
    exit(code)
  }
}
