/// `looop` itself, called by the loop.
extension CommandRules {
  /// What it would run is judged like that itself; what is a human's to say or to set waits for one. `nil` = none of these.
  func unwrapLooop(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict? {
    var rest = call.arguments[...]
    // What may stand before the verb, in any order.
    while let first = rest.first?.text, first == "_" || first == "--tenant" || first.hasPrefix("--tenant=") {
      rest = rest.dropFirst(first == "--tenant" ? 2 : 1)
    }
    guard let verb = rest.popFirst(), rest.first?.text != "--help" else { return nil }
    if verb.isDynamic { return .irreversible("runs looop \(verb.text), which only the run will know") }
    switch (verb.text, rest.first?.text) {
    case ("answer", _): return .irreversible("answers an ask, which is for a human")
    case ("init", _): return .irreversible("changes who decides and who works")
    case ("run", "--detached-id"):
      return rest.firstIndex { $0.text == "--" }.map { nested(Array(rest[($0 + 1)...]), call, around) }
    case ("run", _): return unwrapRun(rest, call, around)
    case ("worker", "start"), ("w", "start"): return unwrapStart(Array(rest.dropFirst()), call, around)
    case ("sensor", "write"), ("sensor", "w"):
      let body = text(of: Options(rest.dropFirst(), valued: ["--journal"]).words.dropFirst(), call)
      var inner = around
      inner.leniency = .sensor
      inner.directory = dataDirectory
      return judgeScript(body, call.command, inner)
    default: return nil
    }
  }

  /// One word is a script; several are a command.
  private func unwrapRun(
    _ words: ArraySlice<ShellWord>, _ call: ProgramCall, _ around: Surroundings
  ) -> CommandVerdict? {
    var rest = words
    while let word = rest.first, word.text.hasPrefix("-") {
      rest = rest.dropFirst(["--reason", "--journal"].contains(word.text) ? 2 : 1)
      if word.text == "--" { break }
    }
    guard let first = rest.first else { return nil }
    var inner = around
    inner.directory = dataDirectory
    return rest.count == 1 ? judgeScript(first, call.command, inner) : nested(Array(rest), call, inner)
  }

  private func unwrapStart(_ words: [ShellWord], _ call: ProgramCall, _ around: Surroundings) -> CommandVerdict {
    let options = Options(
      words[...], valued: ["--command", "--verify", "--goal", "--repo", "--base", "--journal"])
    let brief = text(of: options.words.dropFirst(), call)
    let command = options.values["--command"]
    let verify = options.values["--verify"].map { judgeScript($0, call.command, around) } ?? .reversible
    if command?.isDynamic == true { return .irreversible("starts a worker by a command that only the run will know") }
    return verdict(
      onWorker: command?.text, brief: brief.text, inWorktree: options.values["--repo"] != nil, depth: around.depth + 1
    ).worse(verify)
  }

  /// Words, or the standard input where there are none or a lone `-`.
  private func text(of words: ArraySlice<ShellWord>, _ call: ProgramCall) -> ShellWord {
    guard words.isEmpty || words.map(\.text) == ["-"] else {
      var text = ShellWord(words.map(\.text).joined(separator: " "))
      text.isDynamic = words.contains(where: \.isDynamic)
      text.fetches = words.contains(where: \.fetches)
      return text
    }
    return call.command.input.map { ShellWord($0) } ?? ShellWord("$(its input)", isDynamic: true)
  }

  /// A verb's words and the values of its options.
  private struct Options {
    var words: [ShellWord] = []
    var values: [String: ShellWord] = [:]

    init(_ arguments: ArraySlice<ShellWord>, valued: Set<String>) {
      var rest = arguments
      while let word = rest.popFirst() {
        let name = String(word.text.prefix { $0 != "=" })
        if !word.text.hasPrefix("-") || word.text == "-" {
          words.append(word)
        } else if valued.contains(name), name == word.text {
          values[name] = rest.popFirst()
        } else if valued.contains(name) {
          var value = word
          value.text = String(word.text.dropFirst(name.count + 1))
          values[name] = value
        }
      }
    }
  }
}
