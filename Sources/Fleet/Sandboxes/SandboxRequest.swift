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
