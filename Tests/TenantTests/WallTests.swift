import TestSupport
import Testing

/// The walls of `Tenant` and `looop`, as ARCHITECTURE.md draws them. An exception is listed here with its reason, and fails the test
/// once it is no longer needed.
@Suite struct WallTests {
  static let tree = Result { try SourceTree(modules: ["Tenant", "looop"]) }

  @Test func `no file of the tenant's side imports Foundation, the fleet, or what only the fleet needs`() throws {
    let allowed: Set = ["CLinux", "Glibc", "SystemPackage", "Tenant", "ArgumentParser"]
    for file in try Self.tree.get().files {
      let foreign = file.imports.subtracting(allowed)
      #expect(foreign.isEmpty, "\(file.path) imports \(foreign.sorted())")
      if file.module == "Tenant" {
        #expect(file.imports.isDisjoint(with: ["Tenant", "ArgumentParser"]), "\(file.path) knows its own user")
      } else {
        #expect(!file.imports.contains("CLinux"), "\(file.path) calls the system past Tenant/Host")
      }
    }
  }

  /// What only `Host` may do, and who else does it, with the reason.
  static let edges: [(what: String, words: Set<String>, texts: [String], also: [String: String])] = [
    (
      "spawns",
      [
        "posix_spawn", "clinux_spawn_detached", "clinux_spawn_on_terminal", "clinux_spawn_dependent", "execve", "execv",
        "fork", "vfork",
      ], [],
      [
        "Workers/SessionStart.swift": "a session's holder must outlive its starter, in a session of its own",
        "Workers/HeldProcess.swift": "a worker gets a pseudo-terminal, which posix_spawn cannot give",
      ]
    ),
    ("takes locks", ["LOCK_EX", "LOCK_SH"], [], [:]),
    ("reads the environment", ["getenv", "environ", "secure_getenv"], ["HostEnvironment.current"], [:]),
    (
      "reads the clock", ["clock_gettime", "gettimeofday", "time", "ContinuousClock"],
      ["HostClock.system", "HostClock = .system"],
      [
        "Decide/Admission/DoorAdmission.swift": "the default of an argument: tests give their own",
        "Workers/SessionDirectory.swift": "a session's files say when, and have no beat whose clock they could take",
        "Workers/SessionHolder.swift": "the main loop of a process of its own",
        "Workers/SessionStart.swift": "waits for the new holder's word with a deadline",
      ]
    ),
  ]

  @Test func `only Host spawns, locks, and reads the environment and the clock`() throws {
    for edge in Self.edges {
      var unused = Set(edge.also.keys)
      for file in try Self.tree.get().files where file.module == "Tenant" && file.folder != "Host" {
        let text = file.code
        let found =
          !SourceTree.calls(edge.words, in: text).isEmpty || edge.texts.contains { text.contains($0) }
        guard found else { continue }
        let name = String(file.path.dropFirst("Tenant/".count))
        if edge.also[name] == nil { Issue.record("\(file.path) \(edge.what)") }
        unused.remove(name)
      }
      #expect(unused.isEmpty, "no exception needed any more (\(edge.what)): \(unused.sorted())")
    }
  }

  /// A folder may name types of those listed; everything else is above it or beside it.
  static let below: [String: Set<String>] = [
    "Host": [],
    "Store": ["Host"],
    "World": ["Host", "Store"],
    "Decide": ["Host", "Store"],
    "Workers": ["Host", "Store", "World", "Decide"],
    "Act": ["Host", "Store", "World", "Decide"],
    "Mailbox": ["Host", "Store", "World", "Workers"],
    "": ["Host", "Store", "World", "Decide", "Act", "Workers", "Mailbox"],
  ]

  /// Arrows against the order that the code has today.
  static let debts: [SourceTree.Arrow: String] = [:]

  @Test func `folders use only what lies below them`() throws {
    let arrows = try Self.tree.get().arrows(within: "Tenant")
    for (arrow, example) in arrows where Self.debts[arrow] == nil {
      #expect(Self.below[arrow.from]?.contains(arrow.to) == true, "\(arrow): \(example)")
    }
    #expect(Set(Self.debts.keys).subtracting(arrows.keys).isEmpty, "a debt is paid: strike it from the list")
    let circles = SourceTree.circles(arrows.keys.filter { Self.debts[$0] == nil })
    #expect(circles.isEmpty, "\(circles)")
  }

  @Test func `only the printer writes to standard output`() throws {
    let allowed: [String: String] = [
      "looop/Output/Printer.swift": "the printer",
      "Tenant/BeatRun.swift": "the door: standard output is the line to the fleet, not text for a person",
      "looop/Terminal/RawTerminal.swift": "the live screen's escape sequences and size",
      "looop/Commands/Setup/InitVerb.swift": "asks whether it is a terminal",
    ]
    for file in try Self.tree.get().files {
      let output = SourceTree.calls(
        ["debugPrint", "dump", "puts", "fputs", "printf", "vprintf", "fwrite"], in: file.code)
      #expect(output.isEmpty, "\(file.path) calls \(output.sorted())")
      // `Entry.print` is a function of its own, over the printer.
      let prints = SourceTree.calls(["print"], in: file.code).isEmpty || file.path == "looop/Entry.swift"
      #expect(prints || file.path == "Tenant/Workers/TerminalParser.swift", "\(file.path) prints")
      if file.code.contains("STDOUT_FILENO") {
        #expect(allowed[file.path] != nil, "\(file.path) writes past the printer")
      }
    }
  }
}
