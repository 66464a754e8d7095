extension CommandRules {
  private static let readingMethods: Set<String> = ["GET", "HEAD", "OPTIONS"]

  /// A request that changes something over there.
  func httpReason(_ call: ProgramCall) -> String? {
    if call.options.contains("--help") { return nil }
    switch call.program {
    case "curl":
      if let method = call.value(of: "-X", "--request") {
        return !method.isDynamic && Self.readingMethods.contains(method.text.uppercased())
          ? nil : "sends a \(method.text.uppercased()) request"
      }
      if call.has("-G") || call.options.contains("--get") || call.options.contains("--head") { return nil }
      let sends = call.options.contains { option in
        option.hasPrefix("--data")
          || ["--form", "--form-string", "--json", "--upload-file", "--mail-rcpt"].contains(option)
          || (!option.hasPrefix("--") && Self.curlSends(option))
      }
      return sends ? "sends data by HTTP" : nil
    case "wget":
      let sends = call.options.contains("--post-data") || call.options.contains("--post-file")
      let method = call.value(of: "--method").map { !Self.readingMethods.contains($0.text.uppercased()) } ?? false
      return sends || method ? "sends data by HTTP" : nil
    default:
      guard let method = call.positionals.first?.text else { return nil }
      if Self.readingMethods.contains(method.uppercased()) { return nil }
      let isMethod = ["POST", "PUT", "PATCH", "DELETE"].contains(method.uppercased())
      let sends = call.positionals.dropFirst().contains { $0.text.contains("=") && !$0.text.contains("==") }
      return isMethod || sends ? "sends data by HTTP" : nil
    }
  }

  /// `-d`, `-F`, `-T` in a bundle such as `-sd`; letters after one that takes a value are that value.
  private static func curlSends(_ bundle: String) -> Bool {
    for letter in bundle.dropFirst() {
      if "dFT".contains(letter) { return true }
      if "AbcCDeEHhKmoPQrtuUwxXyYz".contains(letter) { return false }
    }
    return false
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
    if call.options.contains("--help") || call.options.contains("--version") { return nil }
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
    let hasStatement = call.value(of: "-c", "--command", "-e", "--execute", "-q", "--query", "-Q") != nil
    if call.command.readsPipe, !hasStatement { return "runs SQL that only the run will know" }
    return nil
  }
}
