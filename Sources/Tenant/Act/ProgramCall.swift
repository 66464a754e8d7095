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
