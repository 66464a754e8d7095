import SystemPackage
import Tenant

/// What the supervisor asks a helper to do: one JSON document, every path absolute, every name checked before it becomes
/// part of a path or of a ref.
struct SandboxRequest: Sendable {
  let document: JSON

  init(_ document: JSON) { self.document = document }

  func text(_ key: String) -> String? { document[key]?.string }
  func flag(_ key: String, default absent: Bool = false) -> Bool { document[key]?.bool ?? absent }
  func number(_ key: String) -> Int64? { document[key]?.int }
  func texts(_ key: String) -> [String] { (document[key]?.array ?? []).compactMap(\.string) }

  func required(_ key: String) throws(SandboxError) -> String {
    guard let value = text(key), !value.isEmpty else {
      throw SandboxError(.invalidRequest, "the request has no \(key)")
    }
    return value
  }

  func path(_ key: String) throws(SandboxError) -> FilePath {
    let path = FilePath(try required(key)).lexicallyNormalized()
    guard path.isAbsolute, !path.string.contains("\n") else {
      throw SandboxError(.invalidRequest, "\(key) is not an absolute path: \(path)")
    }
    return path
  }

  func layout() throws(SandboxError) -> SandboxLayout { SandboxLayout(root: try path("root")) }

  func worker() throws(SandboxError) -> SandboxName { try SandboxName(try required("worker")) }

  func repositoryName() throws(SandboxError) -> SandboxName { try SandboxName(try required("repo_name")) }
}

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

  static let branchPrefix = "refs/heads/looop/"
  static let parkedPrefix = "refs/looop/parked/"
}
