import SystemPackage
import Tenant

/// The name of a worker or of a repository, safe as a file name and as a part of a ref.
struct SandboxName: Hashable, Sendable, CustomStringConvertible {
  let text: String

  init(_ text: String) throws(SandboxError) {
    let bytes = Array(text.utf8)
    let plain = bytes.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || [45, 46, 95].contains(byte)
    }
    guard plain, (1...100).contains(bytes.count), bytes[0] != 45, bytes[0] != 46, bytes.last != 46,
      !text.contains(".."), !text.hasSuffix(".lock")
    else {
      throw SandboxError(
        .invalidRequest, "\(text) cannot name a sandbox",
        hint: "use letters, digits, '-', '_' and '.', up to 100 of them, beginning with a letter or a digit")
    }
    self.text = text
  }

  var description: String { text }

  /// The name itself, then `name-2`, `name-3`, …: a worker's name may be used again while its old branch lives.
  func candidate(_ number: Int) -> String { number < 2 ? text : "\(text)-\(number)" }

  /// Which of its candidates a text is, if it is one.
  func number(of candidate: String) -> Int? {
    if candidate == text { return 1 }
    guard candidate.hasPrefix("\(text)-"), let number = Int(candidate.dropFirst(text.utf8.count + 1)), number > 1,
      self.candidate(number) == candidate
    else { return nil }
    return number
  }

  /// The same, of a branch's full name.
  func number(ofBranch name: String) -> Int? {
    name.hasPrefix(Self.branchPrefix) ? number(of: String(name.dropFirst(Self.branchPrefix.count))) : nil
  }

  static let branchPrefix = "refs/heads/looop/"
  static let parkedPrefix = "refs/looop/parked/"
}
