/// Whether an answer is an explicit yes. Anything else (a condition, a question, a maybe) is a no with the human's words: the
/// loop can ask again, an irreversible move cannot be undone.
package enum Approval {
  private static let yes: Set<String> = [
    "yes", "y", "yep", "yeah", "ok", "okay", "approve", "approved", "confirm", "confirmed", "proceed", "accept",
    "accepted", "allow", "allowed", "granted", "lgtm",
  ]
  /// Words that may stand beside a yes and add nothing to it. Alone they are no yes.
  private static let filler: Set<String> = [
    "please", "thanks", "thank", "you", "sure", "go", "ahead", "do", "it", "run", "this", "that", "now", "i",
  ]

  package static func isYes(_ answer: String) -> Bool {
    guard !answer.contains("?") else { return false }
    let words = answer.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "'") }.map(String.init)
    guard words.contains(where: yes.contains) else { return false }
    return words.allSatisfy { yes.contains($0) || filler.contains($0) }
  }
}
