extension CommandRules {
  private static let readingMethods: Set<String> = ["GET", "HEAD", "OPTIONS"]

  /// A request that changes something over there. A sensor may ask by POST, but no service of this machine that listens on a socket of
  /// its own: that is how a fleet is told what to do.
  func httpReason(_ call: ProgramCall, _ leniency: Leniency) -> String? {
    if call.options.contains("--help") { return nil }
    let mayPost = leniency == .sensor && !call.options.contains("--unix-socket")
    func reason(method: ShellWord?, sends: Bool, what: String = "sends data by HTTP") -> String? {
      guard let method else { return sends && !mayPost ? what : nil }
      let name = method.text.uppercased()
      if !method.isDynamic, Self.readingMethods.contains(name) || (mayPost && name == "POST") { return nil }
      return "sends a \(name) request"
    }
    switch call.program {
    case "curl":
      let request = CurlRequest(call.arguments)
      if request.method == nil, request.onlyReads { return nil }
      if request.uploads { return "sends a file or mail" }
      return reason(method: request.method, sends: request.sends)
    case "wget":
      return reason(
        method: call.value(of: "--method"),
        sends: ["--post-data", "--post-file", "--body-data", "--body-file"].contains { call.options.contains($0) })
    default:
      guard let first = call.positionals.first else { return nil }
      if Self.readingMethods.contains(first.text.uppercased()) { return nil }
      let isMethod = ["POST", "PUT", "PATCH", "DELETE"].contains(first.text.uppercased())
      let sends = call.positionals.dropFirst().contains { $0.text.contains("=") && !$0.text.contains("==") }
      return reason(method: isMethod ? first : nil, sends: sends)
    }
  }

  /// `gh api` and `glab api` speak every method.
  func forgeReason(_ call: ProgramCall) -> String? {
    guard call.positionals.first?.text == "api" else { return nil }
    if let method = call.value(of: "-X", "--method") {
      return !method.isDynamic && Self.readingMethods.contains(method.text.uppercased())
        ? nil : "sends a \(method.text.uppercased()) request to the forge"
    }
    if call.positionals.dropFirst().first?.text == "graphql" {
      let text = call.arguments.map(\.text).joined(separator: " ").lowercased()
      return text.contains("mutation") ? "changes something on the forge" : nil
    }
    let sends = ["-f", "-F", "--field", "--raw-field", "--input"].contains { call.options.contains($0) }
    return sends ? "sends data to the forge" : nil
  }

  /// SQL that destroys, in an option, in a file that nobody has read, or on stdin.
  func sqlReason(_ call: ProgramCall, _ around: Surroundings) -> String? {
    if call.options.contains("--help") || call.asksVersion { return nil }
    if call.value(of: "-f", "--file") != nil, call.program == "psql" || call.program == "cockroach" {
      return "runs a file of SQL"
    }
    let texts = call.arguments.map(\.text) + [call.command.input].compactMap { $0 }
    for text in texts {
      let words = text.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }
      for (index, word) in words.enumerated() {
        let next = index + 1 < words.count ? words[index + 1] : ""
        switch word {
        case "drop" where ["table", "database", "schema", "index", "view", "user", "role", "column"].contains(next),
          "truncate":
          return "destroys data (\(word) \(next))"
        case "delete" where next == "from": return "destroys data (delete from)"
        case "dropdb", "flushall": return "destroys data"
        default: break
        }
      }
    }
    if call.command.redirections.contains(where: { $0.kind == "<" }) { return "runs a file of SQL" }
    let statement = call.value(of: "-c", "--command", "-e", "--execute", "-q", "--query", "-Q")
    // These take the statement as a word, behind the database.
    let words = ["sqlite3", "duckdb"].contains(call.program) ? call.positionals.dropFirst() : []
    // A statement that is known but for some values is read; one that is a value is not.
    if ([statement].compactMap { $0 } + words).contains(where: { $0.isDynamic && $0.text.hasPrefix("$") }) {
      return "runs SQL that only the run will know"
    }
    if call.command.readsPipe, statement == nil, words.isEmpty { return "runs SQL that only the run will know" }
    return nil
  }
}
