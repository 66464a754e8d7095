/// A program with its arguments, told apart into options and positional words.
struct ProgramCall {
  /// Base name, lower case.
  var program: String
  var arguments: [ShellWord]
  var positionals: [ShellWord]
  /// Those of ``positionals``, by index, that stand right behind an option of which nobody here knows whether it takes a value: each may
  /// be one.
  var doubtful: Set<Int>
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
    "cp": copying, "mv": copying, "ln": copying,
    "install": copying.union(["-m", "--mode", "-o", "--owner", "-g", "--group"]),
  ]
  private static let copying: Set<String> = ["-t", "--target-directory", "-S", "--suffix"]
  private static let kubernetes: Set<String> = [
    "-n", "--namespace", "--context", "--kubeconfig", "--cluster", "-s", "--server", "--token", "--as", "-l",
    "--selector", "-f", "--filename", "-k", "--kustomize", "-o", "--output", "-c", "--container",
  ]

  init(_ words: [ShellWord], _ command: ShellCommand) {
    let name = words.first.map { $0.text } ?? ""
    program = Self.baseName(name)
    arguments = Array(words.dropFirst())
    self.command = command
    positionals = []
    doubtful = []
    options = []
    let valued = Self.valued[program] ?? []
    var takesNext = false
    var mayTakeNext = false
    var onlyPositionals = false
    for word in arguments {
      if takesNext {
        takesNext = false
      } else if onlyPositionals || !word.text.hasPrefix("-") || word.text == "-" {
        if program == "cargo", word.text.hasPrefix("+"), positionals.isEmpty { continue }
        if mayTakeNext { doubtful.insert(positionals.count) }
        mayTakeNext = false
        positionals.append(word)
      } else if word.text == "--" {
        onlyPositionals = true
        mayTakeNext = false
        options.insert("--")
      } else {
        let name = word.text.prefix { $0 != "=" }
        options.insert(String(name))
        takesNext = valued.contains(word.text)
        mayTakeNext = !takesNext && name == word.text[...]
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
    asksVersion
      || arguments.contains { word in
        ["--help", "--dry-run", "--dryrun", "--dry-run=client", "--dry-run=server", "--dry-run=true"]
          .contains(word.text)
      }
  }

  /// Only by itself: beside other words `--version` says which version to install or to deploy.
  var asksVersion: Bool { arguments.count == 1 && arguments[0].text == "--version" }

  /// The value of an option, joined or in the next word; a short one may end a bundle (`-tAc TEXT`).
  func value(of names: String...) -> ShellWord? {
    for (index, word) in arguments.enumerated() {
      for name in names {
        let endsBundle =
          name.count == 2 && (3...5).contains(word.text.count) && word.text.hasPrefix("-")
          && !word.text.hasPrefix("--") && word.text.last == name.last
        if word.text == name || endsBundle { return index + 1 < arguments.count ? arguments[index + 1] : nil }
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
