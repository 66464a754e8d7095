extension CommandRules {
  /// Programs that run another: what they run is judged. `nil` = it is none of these.
  func unwrapped(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict? {
    switch call.program {
    case "env": return unwrapEnv(call, around)
    case "nohup", "setsid", "time", "chronic", "caffeinate", "builtin", "unbuffer", "dbus-run-session", "exec", "nice",
      "ionice", "stdbuf", "timeout", "taskset", "chrt", "strace", "ltrace", "firejail", "faketime", "unshare", "doas",
      "pkexec", "busybox", "watch", "xargs", "parallel", "flock", "command", "runuser":
      return unwrapPrefix(call, around)
    case "sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "rbash": return unwrapShell(call, around)
    case "eval":
      var joined = ShellWord(call.arguments.map(\.text).joined(separator: " "))
      joined.isDynamic = call.arguments.contains(where: \.isDynamic)
      joined.fetches = call.arguments.contains(where: \.fetches)
      if joined.isDynamic { return joined.fetches ? .forbidden("runs what it downloads") : unreadable(joined) }
      return judgeScript(joined, call.command, around)
    case "trap":
      guard let script = call.positionals.first, call.positionals.count > 1 else { return .reversible }
      return judgeScript(script, call.command, around)
    case "source", ".":
      if call.arguments.contains(where: \.fetches) { return .forbidden("runs what it downloads") }
      return call.arguments.first.flatMap { scripts[$0.text] }.map { judgeScript(ShellWord($0), call.command, around) }
    case "looop": return unwrapLooop(call, around)
    case "ssh": return unwrapRemote(call, after: 1, Self.sshValued, around)
    case "su":
      return call.value(of: "-c", "--command").map { judgeScript($0, call.command, around) }
    case "script": return call.value(of: "-c", "--command").map { judgeScript($0, call.command, around) }
    case "docker", "podman", "nerdctl", "docker-compose", "podman-compose": return unwrapContainer(call, around)
    case "kubectl", "oc":
      guard call.positionals.first?.text == "exec", let index = call.arguments.firstIndex(where: { $0.text == "--" })
      else { return nil }
      return judgeRemote(Array(call.arguments[(index + 1)...]), call, around)
    case "find", "fd": return unwrapFind(call, around)
    default: return unwrapRunner(call, around)
    }
  }

  private func unreadable(_ word: ShellWord) -> CommandVerdict {
    .irreversible("runs \(word.text), which only the run will know")
  }

  func nested(_ words: [ShellWord], _ call: ProgramCall, _ around: Surroundings) -> CommandVerdict {
    var inner = around
    inner.depth += 1
    return judge(words, call.command, inner)
  }

  private func unwrapEnv(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict {
    var around = around
    var rest = call.arguments[...]
    while let word = rest.first {
      if word.text == "-S" || word.text == "--split-string" {
        return judgeScript(
          ShellWord(rest.dropFirst().map(\.text).joined(separator: " ")), call.command, around)
      }
      if ["-u", "--unset", "-C", "--chdir"].contains(word.text) {
        if word.text == "-C" || word.text == "--chdir" { around.directory = nil }
        rest = rest.dropFirst(2)
      } else if word.text.hasPrefix("-") || word.text.dropFirst().contains("=") {
        rest = rest.dropFirst()
      } else {
        break
      }
    }
    return nested(Array(rest), call, around)
  }

  /// Options of these that take the next word, and how many words stand before the command.
  private static let prefixValued: [String: (options: Set<String>, operands: Int)] = [
    "nice": (["-n", "--adjustment"], 0), "ionice": (["-c", "-n", "--class", "--classdata"], 0),
    "stdbuf": (["-i", "-o", "-e"], 0), "timeout": (["-s", "--signal", "-k", "--kill-after"], 1),
    "taskset": ([], 1), "chrt": ([], 1), "strace": (["-e", "-o", "-p", "-s"], 0), "ltrace": (["-e", "-o"], 0),
    "faketime": ([], 1), "exec": (["-a"], 0), "time": (["-o", "-f"], 0), "watch": (["-n", "--interval"], 0),
    "xargs": (["-n", "-P", "-I", "-i", "-d", "-L", "-s", "-a", "-E", "--max-args", "--max-procs", "--delimiter"], 0),
    "parallel": (["-j", "--jobs", "-n", "-N"], 0), "flock": (["-w", "-E", "--timeout"], 1),
    "doas": (["-u", "-C"], 0), "runuser": (["-u"], 0), "unshare": ([], 0),
  ]

  private func unwrapPrefix(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict {
    if call.program == "command", call.has("-v") || call.has("-V") { return .reversible }
    let shape = Self.prefixValued[call.program] ?? ([], 0)
    var rest = call.arguments[...]
    var operands = shape.operands
    while let word = rest.first {
      if word.text == "--" {
        rest = rest.dropFirst()
        if operands == 0 { break }
      } else if word.text.hasPrefix("-"), word.text.count > 1 {
        if call.program == "flock", word.text == "-c" || word.text == "--command" { break }
        rest = rest.dropFirst(shape.options.contains(word.text) ? 2 : 1)
      } else if operands > 0 {
        operands -= 1
        rest = rest.dropFirst()
      } else {
        break
      }
    }
    if call.program == "flock", rest.first?.text == "-c" || rest.first?.text == "--command" {
      return rest.dropFirst().first.map { judgeScript($0, call.command, around) } ?? .reversible
    }
    var words = Array(rest)
    if ["watch", "parallel"].contains(call.program) {
      // They hand their words to a shell.
      let script = ShellWord(words.map(\.text).joined(separator: " "))
      return judgeScript(script, call.command, around)
    }
    if call.program == "xargs", !words.isEmpty { words.append(ShellWord("$(its input)", isDynamic: true)) }
    return nested(words, call, around)
  }

  private func unwrapShell(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict {
    var rest = call.arguments[...]
    var isCommand = false
    while let word = rest.first, word.text.hasPrefix("-") || word.text.hasPrefix("+"), word.text.count > 1 {
      rest = rest.dropFirst()
      if word.text == "--" { break }
      if !word.text.hasPrefix("--"), word.text.contains("c") { isCommand = true }
      if word.text == "-o" || word.text == "+o" || word.text == "--rcfile" { rest = rest.dropFirst() }
    }
    if isCommand {
      return rest.first.map { judgeScript($0, call.command, around) } ?? .reversible
    }
    if let file = rest.first, file.text != "-" {
      if file.fetches { return .forbidden("runs what it downloads") }
      if let script = scripts[file.text] { return judgeScript(ShellWord(script), call.command, around) }
      // A script of that name: some names say what they do.
      return file.isDynamic ? .reversible : nested(Array(rest), call, around)
    }
    return judgeInput(call.command, around)
  }

  /// A shell without a script runs its input.
  private func judgeInput(
    _ command: ShellCommand, _ around: Surroundings, isRemote: Bool = false
  ) -> CommandVerdict {
    let file = command.redirections.last { $0.kind == "<" }.flatMap { scripts[$0.target.text] }
    if let input = command.input ?? file {
      // The text is the input: its own commands read on in it.
      var command = command
      command.input = nil
      return judgeScript(ShellWord(input), command, around, isRemote: isRemote)
    }
    guard command.readsPipe else { return .reversible }
    if around.hasFetched { return .forbidden("runs what it downloads") }
    return .irreversible("runs another command's output, which only the run will know")
  }

  private static let sshValued: Set<String> = [
    "-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-p", "-Q", "-R", "-S", "-W",
    "-w",
  ]

  private func unwrapRemote(
    _ call: ProgramCall, after operands: Int, _ valued: Set<String>, _ around: Surroundings
  ) -> CommandVerdict {
    var rest = call.arguments[...]
    var operands = operands
    while let word = rest.first, operands > 0 {
      rest = rest.dropFirst()
      if word.text.hasPrefix("-") {
        if valued.contains(word.text) { rest = rest.dropFirst() }
      } else {
        operands -= 1
      }
    }
    return judgeRemote(Array(rest), call, around)
  }

  private func judgeRemote(_ words: [ShellWord], _ call: ProgramCall, _ around: Surroundings) -> CommandVerdict {
    guard let first = words.first else { return judgeInput(call.command, around, isRemote: true) }
    if first.isDynamic { return unreadable(first) }
    // One word is a script (`ssh host 'a; b'`); several are a command.
    if words.count == 1 { return judgeScript(first, call.command, around, isRemote: true) }
    var inner = around
    inner.isRemote = true
    inner.directory = nil
    inner.depth += 1
    return judge(words, call.command, inner)
  }

  private func unwrapContainer(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict? {
    let positionals = call.positionals.map(\.text)
    let execAt =
      positionals.first == "exec" || (positionals.first == "compose" && positionals.dropFirst().first == "exec")
      || (call.program.hasSuffix("-compose") && positionals.contains("exec"))
    guard execAt, let index = call.arguments.firstIndex(where: { $0.text == "exec" }) else { return nil }
    var inner = call
    inner.arguments = Array(call.arguments[(index + 1)...])
    return unwrapRemote(
      inner, after: 1, ["-e", "--env", "-u", "--user", "-w", "--workdir", "--env-file", "--detach-keys", "--index"],
      around)
  }

  private func unwrapFind(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict {
    let roots = call.arguments.prefix { !$0.text.hasPrefix("-") && $0.text != "(" && $0.text != "!" }
    let isContained =
      !roots.isEmpty || around.directory != nil
      ? (roots.isEmpty ? [ShellWord(".")] : Array(roots)).allSatisfy { mayDeleteBelow($0, around) } : false
    if call.options.contains("-delete"), !isContained {
      return .irreversible("deletes files outside the data dir")
    }
    var verdict = CommandVerdict.reversible
    let actions: Set<String> = ["-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"]
    var rest = call.arguments[...]
    while let start = rest.firstIndex(where: { actions.contains($0.text) }) {
      rest = rest[(start + 1)...]
      let words = rest.prefix { $0.text != ";" && $0.text != "+" }
      rest = rest.dropFirst(words.count)
      if isContained, ["rm", "unlink", "shred", "truncate"].contains(ProgramCall.baseName(words.first?.text ?? "")) {
        continue
      }
      let concrete = words.map { word -> ShellWord in
        var word = word
        if word.text.contains("{}") { word.isDynamic = true }
        return word
      }
      verdict = verdict.worse(nested(concrete, call, around))
    }
    return verdict
  }
}
