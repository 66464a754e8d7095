/// One row of the table of irreversible commands.
package struct CommandRule: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// `path` must be how the positional words begin (`**` = anything before).
    case exact
    /// A tenant's own: its words must occur among the command's in this order, whatever stands between.
    case loose
  }

  package var kind: Kind
  /// Globs on the program's base name.
  package var programs: [String]
  package var path: [String]
  /// One of these options must be there; empty = none needed.
  package var needs: [String]
  /// None of these may be there.
  package var unless: [String]
  package var why: String

  /// `programs` and the alternatives of each word are separated by `|`.
  init(_ programs: String, _ path: String = "", needs: String = "", unless: String = "", why: String) {
    kind = .exact
    self.programs = programs.split(separator: "|").map(String.init)
    self.path = path.split(separator: " ").map(String.init)
    self.needs = needs.split(separator: " ").map(String.init)
    self.unless = unless.split(separator: " ").map(String.init)
    self.why = why
  }

  /// A tenant's own row, of config.json: `{"match": "make ship*", "why": "…"}`.
  package init?(match: String, why: String) {
    let words = match.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let program = words.first else { return nil }
    kind = .loose
    programs = [program]
    path = Array(words.dropFirst())
    needs = []
    unless = []
    self.why = why.isEmpty ? "\(match) is on this tenant's list" : why
  }

  /// The rows of `irreversible` in a config, and what is wrong with the others.
  package static func rows(of config: JSON) -> (rows: [CommandRule], problems: [String]) {
    guard let list = config["irreversible"] else { return ([], []) }
    guard let entries = list.array else { return ([], ["irreversible in the config is not a list"]) }
    var rows: [CommandRule] = []
    var problems: [String] = []
    for (index, entry) in entries.enumerated() {
      if let match = entry["match"]?.string, let row = CommandRule(match: match, why: entry["why"]?.string ?? "") {
        rows.append(row)
      } else {
        problems.append("irreversible[\(index)] in the config has no \"match\"")
      }
    }
    return (rows, problems)
  }

  func matches(_ call: ProgramCall) -> Bool {
    guard programs.contains(where: { Glob.matches($0, call.program) }) else { return false }
    switch kind {
    case .loose:
      var rest = call.arguments.map(\.text)[...]
      for word in path {
        guard let index = rest.firstIndex(where: { Glob.matches(word, $0) }) else { return false }
        rest = rest[(index + 1)...]
      }
      return true
    case .exact:
      if call.isRehearsal { return false }
      if !needs.isEmpty, !needs.contains(where: call.has) { return false }
      if unless.contains(where: call.has) { return false }
      return Self.begins(call.positionals.map(\.text)[...], path[...])
    }
  }

  private static func begins(_ words: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
    guard let head = path.first else { return true }
    if head == "**" {
      return words.indices.contains { begins(words[$0...], path.dropFirst()) }
    }
    guard let word = words.first, head.split(separator: "|").contains(where: { Glob.matches(String($0), word) }) else {
      return false
    }
    return begins(words.dropFirst(), path.dropFirst())
  }
}

/// A program with its arguments, told apart into options and positional words.
struct ProgramCall {
  /// Base name, lower case.
  var program: String
  var arguments: [ShellWord]
  var positionals: [ShellWord]
  /// Option words without their values, as written; a joined value (`--x=y`) is cut off.
  var options: Set<String>
  var command: ShellCommand

  /// Global options that take the next word with them: without these a value would pass for a subcommand.
  private static let valued: [String: Set<String>] = [
    "git": ["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"],
    "kubectl": kubernetes, "oc": kubernetes, "k": kubernetes,
    "helm": kubernetes.union(["--kube-context", "-f", "--set"]),
    "docker": ["-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "-f", "--file", "-p"],
    "podman": ["--connection", "--url", "--root", "--log-level"],
    "gh": ["-R", "--repo", "--hostname", "-X", "--method", "-f", "-F", "--field", "--raw-field", "-H", "--input"],
    "glab": ["-R", "--repo", "-X", "--method", "-f", "-F", "-H", "-g", "--group"],
    "aws": ["--profile", "--region", "--output", "--endpoint-url", "--query"],
    "gcloud": ["--project", "--account", "--format", "--configuration", "--region", "--zone"],
    "gsutil": ["-u", "-o", "-h"],
    "npm": ["--prefix", "--registry", "-w", "--workspace", "--tag", "--otp"],
    "pnpm": ["--prefix", "-C", "--dir", "--filter", "-F"], "yarn": ["--cwd"],
    "cargo": ["--manifest-path", "--color", "-Z", "--config", "-p", "--package"],
    "pulumi": ["-C", "--cwd", "-s", "--stack"], "systemctl": ["-H", "--host", "-M", "--machine", "-t", "-p", "-s"],
    "heroku": ["-a", "--app", "-r", "--remote"], "fly": ["-a", "--app", "-c", "--config"],
    "flyctl": ["-a", "--app", "-c", "--config"], "vercel": ["--token", "--scope", "-S", "--cwd"],
    "make": ["-C", "--directory", "-f", "--file", "-I", "-o", "-W"], "just": ["-f", "--justfile", "-d"],
    "terraform": [], "az": ["--subscription", "-g", "--resource-group", "-o", "--output"],
    "redis-cli": ["-h", "-p", "-a", "-n", "-u", "--user", "--pass"], "doctl": ["-t", "--access-token", "--context"],
    "vault": ["-address", "-namespace"], "argocd": ["--server", "--auth-token"],
  ]
  private static let kubernetes: Set<String> = [
    "-n", "--namespace", "--context", "--kubeconfig", "--cluster", "-s", "--server", "--token", "--as", "-l",
    "--selector", "-f", "--filename", "-k", "--kustomize", "-o", "--output", "-c", "--container",
  ]

  init(_ words: [ShellWord], _ command: ShellCommand) {
    let name = words.first.map { $0.text } ?? ""
    program = (name.split(separator: "/").last.map(String.init) ?? name).lowercased()
    arguments = Array(words.dropFirst())
    self.command = command
    positionals = []
    options = []
    let valued = Self.valued[program] ?? []
    var takesNext = false
    var onlyPositionals = false
    for word in arguments {
      if takesNext {
        takesNext = false
      } else if onlyPositionals || !word.text.hasPrefix("-") || word.text == "-" {
        if program == "cargo", word.text.hasPrefix("+"), positionals.isEmpty { continue }
        positionals.append(word)
      } else if word.text == "--" {
        onlyPositionals = true
        options.insert("--")
      } else {
        let name = word.text.prefix { $0 != "=" }
        options.insert(String(name))
        takesNext = valued.contains(word.text)
      }
    }
  }

  /// Whether an option is there: `-f` also inside a bundle (`-rf`), a long one with or without its value.
  func has(_ option: String) -> Bool {
    if options.contains(option) { return true }
    guard option.count == 2, option.hasPrefix("-"), let letter = option.last else { return false }
    return options.contains { $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.dropFirst().contains(letter) }
  }

  /// It only asks, or only says what it would do.
  var isRehearsal: Bool {
    arguments.contains { word in
      ["--help", "--dry-run", "--dryrun", "--version", "--dry-run=client", "--dry-run=server", "--dry-run=true"]
        .contains(word.text)
    }
  }

  /// The value of an option, joined or in the next word.
  func value(of names: String...) -> ShellWord? {
    for (index, word) in arguments.enumerated() {
      for name in names {
        if word.text == name { return index + 1 < arguments.count ? arguments[index + 1] : nil }
        let prefix = name.hasPrefix("--") ? name + "=" : name
        if word.text.hasPrefix(prefix), word.text.count > prefix.count, !(name.count == 2 && word.text.hasPrefix("--"))
        {
          var value = word
          value.text = String(word.text.dropFirst(prefix.count))
          return value
        }
      }
    }
    return nil
  }
}

/// `*` stands for any characters; nothing else is special.
enum Glob {
  static func matches(_ pattern: String, _ text: String) -> Bool {
    guard pattern.contains("*") else { return pattern == text }
    let pattern = Array(pattern.utf8)
    let text = Array(text.utf8)
    var (p, t) = (0, 0)
    var (star, mark) = (-1, 0)
    while t < text.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = p
        mark = t
        p += 1
      } else if p < pattern.count, pattern[p] == text[t] {
        p += 1
        t += 1
      } else if star >= 0 {
        p = star + 1
        mark += 1
        t = mark
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
