import SystemPackage
import Tenant

/// The package's own sources as words, for the tests of its walls: who imports what, who names whose types. Text, not a compiler:
/// comments and strings are left out, a type is known by its name.
package struct SourceTree {
  package struct File {
    /// Below `Sources/`, such as `Tenant/Host/Spawn.swift`.
    package let path: String
    package let imports: Set<String>
    /// Every word of the code that does not follow a dot.
    package let words: Set<String>
    /// What is left of the text without comments and strings.
    package let code: String
    /// Types declared outside every brace, but for private ones.
    package let declared: Set<String>
    /// Names that mean something of its own in here: nested types, generic parameters, cases.
    package let own: Set<String>

    package var module: String { String(path.prefix { $0 != "/" }) }

    /// `Host` for `Tenant/Host/Spawn.swift`, "" beside the folders. The two floors below the sandboxes count as folders of their own.
    package var folder: String {
      let parts = path.split(separator: "/").dropFirst().dropLast().map(String.init)
      let floor = parts.prefix(2).joined(separator: "/")
      return ["Sandboxes/Files", "Sandboxes/Git"].contains(floor) ? floor : parts.first ?? ""
    }
  }

  package let files: [File]

  /// Reads `Sources/` of this package, or some modules of it.
  package init(modules: [String]) throws {
    let package = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    var files: [File] = []
    for module in modules {
      try Self.read(package.appending("Sources"), FilePath(module), into: &files)
    }
    self.files = files
  }

  /// Which folder of the module names types of which other, with one example each.
  package func arrows(within module: String) -> [Arrow: String] {
    let inside = files.filter { $0.module == module }
    var home: [String: String] = [:]
    var ambiguous: Set<String> = []
    for file in inside {
      for name in file.declared {
        if let other = home[name], other != file.folder { ambiguous.insert(name) }
        home[name] = file.folder
      }
    }
    // A nested type of the folder's own (`TenantReport.Beat`) is meant there, not its namesake.
    let nested = Dictionary(grouping: inside, by: \.folder).mapValues {
      $0.reduce(into: Set()) { $0.formUnion($1.own) }
    }
    var arrows: [Arrow: String] = [:]
    for file in inside {
      for word in file.words.subtracting(nested[file.folder] ?? []).subtracting(ambiguous).sorted() {
        guard let folder = home[word], folder != file.folder else { continue }
        let arrow = Arrow(from: file.folder, to: folder)
        if arrows[arrow] == nil { arrows[arrow] = "\(file.path) names \(word)" }
      }
    }
    return arrows
  }

  package struct Arrow: Hashable, CustomStringConvertible {
    package let from: String
    package let to: String
    package init(from: String, to: String) {
      self.from = from
      self.to = to
    }
    package var description: String { "\(from.isEmpty ? "(top)" : from) → \(to.isEmpty ? "(top)" : to)" }
  }

  /// Arrows that lie on a circle: from their end, their beginning can be reached.
  package static func circles(_ arrows: some Sequence<Arrow>) -> Set<Arrow> {
    let ends = Dictionary(grouping: arrows, by: \.from).mapValues { Set($0.map(\.to)) }
    func reaches(_ start: String, _ goal: String) -> Bool {
      var open = [start]
      var seen: Set<String> = [start]
      while let here = open.popLast() {
        if here == goal { return true }
        for next in ends[here] ?? [] where seen.insert(next).inserted { open.append(next) }
      }
      return false
    }
    return Set(arrows.filter { reaches($0.to, $0.from) })
  }

  /// Those of `names` that stand in the text as whole words, called, or merely named if it is a constant.
  package static func calls(_ names: Set<String>, in text: String) -> Set<String> {
    var found: Set<String> = []
    for name in names where text.contains(name) {
      let isConstant = name.first?.isUppercase == true || name == "environ"
      var rest = Substring(text)
      while let range = rest.firstRange(of: name) {
        let before = range.lowerBound > rest.startIndex ? rest[rest.index(before: range.lowerBound)] : " "
        let after = range.upperBound < rest.endIndex ? rest[range.upperBound] : " "
        let stands = !before.isLetter && !before.isNumber && before != "_" && before != "."
        let ends = !after.isLetter && !after.isNumber && after != "_"
        if stands, ends, isConstant || after == "(" { found.insert(name) }
        rest = rest[range.upperBound...]
      }
    }
    return found
  }

  private static func read(_ root: FilePath, _ path: FilePath, into files: inout [File]) throws {
    for name in try Directory.names(root.pushing(path)).sorted() {
      let child = path.appending(name)
      if Directory.exists(root.pushing(child)) {
        try read(root, child, into: &files)
      } else if name.hasSuffix(".swift") {
        files.append(SourceWords(try FileReading.read(root.pushing(child))).file(child.string))
      }
    }
  }
}

/// One file's bytes, cut into words.
private struct SourceWords {
  private var code: [UInt8] = []
  private var imports: Set<String> = []
  private var words: Set<String> = []
  private var declared: Set<String> = []
  private var own: Set<String> = []

  init(_ bytes: [UInt8]) {
    strip(bytes)
    gather()
  }

  func file(_ path: String) -> SourceTree.File {
    SourceTree.File(
      path: path, imports: imports, words: words, code: String(decoding: code, as: UTF8.self), declared: declared,
      own: own)
  }

  /// Takes comments and strings away; what an interpolation holds goes with its string.
  private mutating func strip(_ bytes: [UInt8]) {
    var index = 0
    func begins(_ text: StaticString, _ at: Int) -> Bool {
      let count = text.utf8CodeUnitCount
      guard at + count <= bytes.count else { return false }
      return text.withUTF8Buffer { buffer in (0..<count).allSatisfy { bytes[at + $0] == buffer[$0] } }
    }
    func afterString(_ start: Int) -> Int {
      var at = start + 1
      while at < bytes.count, bytes[at] != 0x22, bytes[at] != 0x0A {
        guard bytes[at] == 0x5C else {
          at += 1
          continue
        }
        at += 2
        guard bytes[at - 1] == 0x28 else { continue }
        var depth = 1
        while at < bytes.count, depth > 0 {
          switch bytes[at] {
          case 0x28: depth += 1
          case 0x29: depth -= 1
          case 0x22:
            at = afterString(at)
            continue
          default: break
          }
          at += 1
        }
      }
      return at + 1
    }
    while index < bytes.count {
      if begins("//", index) {
        while index < bytes.count, bytes[index] != 0x0A { index += 1 }
      } else if begins("\"\"\"", index) {
        index += 3
        while index < bytes.count, !begins("\"\"\"", index) { index += bytes[index] == 0x5C ? 2 : 1 }
        index += 3
      } else if begins("#\"", index) {
        index += 2
        while index < bytes.count, !begins("\"#", index) { index += 1 }
        index += 2
      } else if bytes[index] == 0x22 {
        index = afterString(index)
      } else {
        code.append(bytes[index])
        index += 1
      }
    }
  }

  private mutating func gather() {
    var depth = 0
    var index = 0
    var previous = ""
    var isPrivate = false
    while index < code.count {
      let byte = code[index]
      guard Self.isWord(byte) else {
        if byte == 0x7B { depth += 1 }
        if byte == 0x7D { depth -= 1 }
        if byte == 0x0A { isPrivate = false }
        index += 1
        continue
      }
      let start = index
      while index < code.count, Self.isWord(code[index]) { index += 1 }
      let word = String(decoding: code[start..<index], as: UTF8.self)
      note(word, after: previous, isMember: start > 0 && code[start - 1] == 0x2E, depth: depth, isPrivate: isPrivate)
      if word == "private" || word == "fileprivate" { isPrivate = true }
      previous = word
    }
  }

  private mutating func note(_ word: String, after previous: String, isMember: Bool, depth: Int, isPrivate: Bool) {
    switch previous {
    case "import": imports.insert(word)
    case "struct", "enum", "class", "actor", "protocol", "typealias":
      if depth == 0, !isPrivate { declared.insert(word) } else { own.insert(word) }
    case "case", "associatedtype": own.insert(word)
    default: break
    }
    if !isMember { words.insert(word) }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte == 0x5F || (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A)
  }
}
