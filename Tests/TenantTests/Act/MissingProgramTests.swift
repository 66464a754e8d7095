import Testing

@testable import Tenant

/// Which end of a command says that nothing ran.
@Suite struct MissingProgramTests {
  private func complaint(_ program: String, _ words: String = "command not found") -> [String] {
    ["/bin/bash: line 1: \(program): \(words)"]
  }

  @Test(arguments: [
    "nowhere -p", "X=1 nowhere --json \"$(cat {{prompt_file}})\"", "nowhere < x", "nowhere @{{prompt_file}}",
  ]) func `one program that is not there has cost nothing`(_ command: String) {
    #expect(MissingProgram.explains(exitCode: 127, command: command, printed: complaint("nowhere")))
    let denied = complaint("nowhere", "Permission denied")
    #expect(MissingProgram.explains(exitCode: 126, command: command, printed: denied + denied))
    #expect(!MissingProgram.explains(exitCode: 127, command: command, printed: []))
    #expect(!MissingProgram.explains(exitCode: 127, command: command, printed: complaint("other")))
    #expect(!MissingProgram.explains(exitCode: 127, command: command, printed: complaint("nowhere") + ["hello"]))
    #expect(!MissingProgram.explains(exitCode: 1, command: command, printed: complaint("nowhere")))
  }

  @Test(arguments: [
    "my-llm | nowhere", "my-llm; nowhere", "my-llm && nowhere", "X=$(my-llm) nowhere", "nowhere \"$(my-llm)\"",
    "nowhere <(my-llm)", "my-llm\nnowhere", "f() { my-llm; }; nowhere", "$TOOL",
  ]) func `beside another program it may have`(_ command: String) {
    #expect(!MissingProgram.explains(exitCode: 127, command: command, printed: complaint("nowhere")))
  }
}
