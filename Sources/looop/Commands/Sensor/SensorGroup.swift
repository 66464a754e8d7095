import ArgumentParser
import SystemPackage
import Tenant

/// `sensor`: what the loop watches.
struct SensorGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sensor", abstract: "Say what to watch.", subcommands: [SensorWrite.self, SensorAdd.self])
}

struct SensorWrite: Verb {
  static let configuration = CommandConfiguration(
    commandName: "write", abstract: "Create or replace a sensor's script.",
    discussion: """
      A sensor prints one JSON object: what stands under "signal" wakes the loop, "detail" only informs. A line
      `# looop:interval=SECONDS` near its top makes it run less often.
      """, aliases: ["w"])

  @Argument(help: "The sensor's name.", completion: Completions.sensors) var name: String
  @Argument(help: "The script; standard input where none is given.") var script: [String] = []
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?

  mutating func perform(in context: Context) throws -> Int32 {
    try Identifier.check(name, .sensor)
    let script = try BodyText.read(script)
    try ManualMove.carryOut(.writeSensor(name: name, script: script), journal: journal, context)
    context.printer.line("write-sensor \(name)")
    if !script.hasPrefix("#!") {
      context.printer.warn(
        "sensor.interpreter", "its first line names no interpreter, such as #!/bin/sh, so it will not start")
    }
    return ExitStatus.done
  }
}

/// `sensor add KIND NAME`: a ready-made script, written into the data dir to be edited there.
struct SensorAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a ready-made sensor.",
    discussion:
      "Each writes a readable sensors/NAME.sh (bash, curl, jq). Secrets come from the environment of the loop.",
    subcommands: [
      AddGitHub.self, AddGitLab.self, AddLinear.self, AddGrafana.self, AddPrometheus.self, AddGit.self, AddCI.self,
      AddDisk.self, AddURL.self,
    ])
}

/// What every kind takes.
struct SensorAddOptions: ParsableArguments {
  @Argument(help: "The sensor's name.") var name: String
  @Option(help: "Seconds between two looks.") var interval: Int?
  @Flag(help: "Replace a sensor of that name.") var force = false
  @Flag(name: .customLong("print"), help: "Print the script; write nothing.") var printOnly = false
  @Option(help: "The journal line, instead of the automatic one.") var journal: String?

  func validate() throws {
    if let interval, interval < 1 { throw ValidationError("--interval must be at least 1") }
  }

  func write(_ sensor: ReadyMadeSensor, _ context: Context) throws -> Int32 {
    try Identifier.check(name, .sensor)
    if printOnly {
      context.printer.write(sensor.script)
      return ExitStatus.done
    }
    let path = context.data.sensors.appending("\(name).sh")
    if !force, FileReading.of(path) != .absent {
      throw Failure("there is a sensor \"\(name)\" already (\(path))", hint: "--force replaces it")
    }
    try ManualMove.carryOut(
      .writeSensor(name: name, script: sensor.script), journal: journal ?? "add-sensor \(name) (\(sensor.kind))",
      context)
    context.printer.line("add-sensor \(name) (\(sensor.kind)): \(path)")
    return ExitStatus.done
  }
}

/// What is put into a script or an address is checked here: a typing error must not become a broken sensor.
enum SensorCheck {
  static func repository(_ text: String, _ option: String) throws {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = text.unicodeScalars.allSatisfy {
      $0.isASCII && $0.value > 32 && !"'\"\\?#%".unicodeScalars.contains($0)
    }
    guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }), isPlain else {
      throw ValidationError("\(option) wants OWNER/NAME, not \"\(text)\"")
    }
  }

  static func address(_ text: String, _ option: String) throws {
    let isPlain = text.unicodeScalars.allSatisfy { $0.value > 32 && $0.value != 127 }
    guard text.hasPrefix("http://") || text.hasPrefix("https://"), isPlain else {
      throw ValidationError("\(option) wants an http:// or https:// address, not \"\(text)\"")
    }
  }

  static func branch(_ text: String) throws {
    let isPlain = text.unicodeScalars.allSatisfy { $0.value > 32 && !"?#% ".unicodeScalars.contains($0) }
    guard !text.isEmpty, !text.hasPrefix("-"), isPlain else { throw ValidationError("\"\(text)\" is no branch") }
  }

  /// Without the slash at the end.
  static func base(_ address: String) -> String { address.hasSuffix("/") ? String(address.dropLast()) : address }
}
