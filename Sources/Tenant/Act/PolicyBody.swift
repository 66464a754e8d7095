/// A body that a write verb stores: never empty (a lost heredoc must not blank a PLAYBOOK), and ending in one newline.
enum PolicyBody {
  static func stored(_ body: String, _ what: String) throws(ActError) -> String {
    guard body.contains(where: { !$0.isWhitespace }) else {
      throw ActError(
        .invalidArgument, "the \(what) is empty; nothing was changed",
        hint: "give the text as arguments or on standard input")
    }
    return body.hasSuffix("\n") ? body : body + "\n"
  }
}
