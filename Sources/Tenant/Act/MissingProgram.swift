/// Whether a command ended because its one program is not there or cannot be started: then nothing can have been spent. Its exit status
/// alone does not say so: `my-llm | no-such-tool` has run the first and ends with 127 as well.
enum MissingProgram {
  private static let complaints = [
    "command not found", "No such file or directory", "Permission denied", "Is a directory", "cannot execute",
  ]

  /// - printed: all lines that came, stdout and stderr.
  static func explains(exitCode: Int32, command: String, printed: [String]) -> Bool {
    guard exitCode == 126 || exitCode == 127, !printed.isEmpty, let program = onlyProgram(of: command) else {
      return false
    }
    return printed.allSatisfy { isComplaint($0, of: program) }
  }

  /// The program of a command that runs no other, but for `cat` (the prompt's way into an argument).
  private static func onlyProgram(of command: String) -> String? {
    var reader = ShellReader(command, directory: nil)
    reader.read()
    guard reader.unreadable == nil, let last = reader.commands.last?.words.first, !last.isDynamic,
      reader.commands.dropLast().allSatisfy({ $0.words.first?.text == "cat" })
    else { return nil }
    return last.text
  }

  /// `/bin/bash: line 1: claude: command not found`
  private static func isComplaint(_ line: String, of program: String) -> Bool {
    let parts = line.split(separator: ":").map { $0.drop { $0 == " " } }
    guard parts.count >= 4, parts[0].hasSuffix("bash"), parts[1].hasPrefix("line ") else { return false }
    let rest = line.split(separator: ":", maxSplits: 2)[2].dropFirst()
    guard rest.hasPrefix(program + ": ") else { return false }
    let complaint = rest.dropFirst(program.count + 2)
    return complaints.contains { complaint.hasPrefix($0) }
  }
}
