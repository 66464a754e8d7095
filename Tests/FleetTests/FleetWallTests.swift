import TestSupport
import Testing

/// The walls of `Fleet` and `looop-fleet`, as ARCHITECTURE.md draws them. An exception is listed with its reason, and fails the test
/// once it is no longer needed.
@Suite struct FleetWallTests {
  static let tree = Result { try SourceTree(modules: ["Fleet", "looop-fleet"]) }

  /// Third-party modules, and the only folders of `Fleet` that import them.
  static let importers: [String: Set<String>] = [
    "CGit2": ["Sandboxes/Git"],
    "GRDB": ["Admission"],
    "Yams": ["Configuration"],
    "Hummingbird": ["Control"],
    "HTTPTypes": ["Control"],
    "AsyncHTTPClient": ["Mailbox"],
    "NIOCore": ["Control", "Mailbox"],
    "NIOHTTP1": ["Mailbox"],
    "NIOPosix": ["Control", "Mailbox"],
    "ServiceLifecycle": ["Control", "Supervision"],
    "UnixSignals": ["Supervision"],
    "Logging": ["Control", "Supervision"],
  ]

  @Test func `each library has its few importers`() throws {
    let everywhere: Set = ["CLinux", "Dispatch", "Glibc", "Synchronization", "SystemPackage", "Tenant"]
    for file in try Self.tree.get().files where file.module == "Fleet" {
      for name in file.imports.subtracting(everywhere) {
        #expect(Self.importers[name]?.contains(file.folder) == true, "\(file.path) imports \(name)")
      }
    }
  }

  @Test func `the commands import the fleet, and no library behind it`() throws {
    let allowed: Set = ["ArgumentParser", "Fleet", "Glibc", "Logging", "SystemPackage", "Tenant"]
    for file in try Self.tree.get().files where file.module == "looop-fleet" {
      let foreign = file.imports.subtracting(allowed)
      #expect(foreign.isEmpty, "\(file.path) imports \(foreign.sorted())")
    }
  }

  static let edges: [(what: String, words: Set<String>, texts: [String], also: [String: String])] = [
    ("spawns", ["posix_spawn", "execve", "execv", "fork", "vfork", "clinux_spawn_detached"], [], [:]),
    ("takes locks", ["LOCK_EX", "LOCK_SH"], [], [:]),
    (
      "reads the environment", ["getenv", "environ", "secure_getenv"], ["HostEnvironment.current"],
      [
        "Sandboxes/Git/SmudgePlan.swift":
          "finds the tenant's attributes files as git does; runs in the tenant's helper process",
        "Sandboxes/Repositories/PreflightProbe.swift": "looks for programs on the PATH of the tenant's helper process",
        "Sandboxes/Creation/SandboxHook.swift": "hands the helper's own environment to the repository's hook",
      ]
    ),
    (
      "reads the clock", ["clock_gettime", "gettimeofday", "time", "ContinuousClock"],
      ["HostClock.system", "HostClock = .system"],
      [
        "Confinement/StopRun.swift": "the default of an argument: tests give their own",
        "Control/ControlServer.swift": "the default of an argument: tests give their own",
        "Mailbox/Notifier.swift": "the default of an argument: tests give their own",
        "Sandboxes/Audit/AuditedDirectory.swift": "a snapshot says when; the helper is one call of one process",
        "Sandboxes/Files/Files.swift": "a record says when; the helper is one call of one process",
        "Sandboxes/SandboxVerb.swift": "the helper's main function: tells how long it took",
        "Supervision/BeatProcess.swift": "a conversation's deadline, on a thread of its own",
        "Supervision/Supervisor.swift": "the default of an argument: tests give their own",
      ]
    ),
  ]

  @Test func `spawning, locking, the environment and the clock are the business of Tenant's Host`() throws {
    for edge in Self.edges {
      var unused = Set(edge.also.keys)
      for file in try Self.tree.get().files where file.module == "Fleet" {
        let text = file.code
        guard !SourceTree.calls(edge.words, in: text).isEmpty || edge.texts.contains(where: { text.contains($0) })
        else {
          continue
        }
        let name = String(file.path.dropFirst("Fleet/".count))
        if edge.also[name] == nil { Issue.record("\(file.path) \(edge.what)") }
        unused.remove(name)
      }
      #expect(unused.isEmpty, "no exception needed any more (\(edge.what)): \(unused.sorted())")
    }
  }

  static let below: [String: Set<String>] = [
    "Base": [],
    "Admission": [],
    "Confinement": ["Base"],
    "Sandboxes/Files": [],
    "Sandboxes/Git": ["Sandboxes/Files"],
    "Sandboxes": ["Sandboxes/Files", "Sandboxes/Git"],
    "Configuration": ["Admission"],
    "Mailbox": [],
    "Status": ["Admission", "Base", "Configuration", "Mailbox"],
    "Control": ["Base", "Configuration", "Mailbox", "Status"],
    "Supervision": ["Admission", "Base", "Configuration", "Confinement", "Control", "Mailbox", "Status"],
  ]

  @Test func `folders use only what lies below them`() throws {
    let arrows = try Self.tree.get().arrows(within: "Fleet")
    for (arrow, example) in arrows {
      #expect(Self.below[arrow.from]?.contains(arrow.to) == true, "\(arrow): \(example)")
    }
    let circles = SourceTree.circles(Array(arrows.keys))
    #expect(circles.isEmpty, "\(circles)")
  }

  @Test func `only the printer writes to standard output`() throws {
    for file in try Self.tree.get().files {
      let output = SourceTree.calls(
        ["print", "debugPrint", "dump", "puts", "fputs", "printf", "fwrite"], in: file.code)
      #expect(output.isEmpty, "\(file.path) calls \(output.sorted())")
      if file.code.contains("STDOUT_FILENO") {
        #expect(file.path.hasPrefix("looop-fleet/Output/"), "\(file.path) writes past the printer")
      }
    }
  }
}
