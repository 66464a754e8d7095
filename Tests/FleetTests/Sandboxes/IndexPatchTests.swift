import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct IndexPatchTests {
  @Test func `git and libgit2 read a patched index as if git had written it`() throws {
    let fixture = try GitFixture(files: 60)
    let tree = try fixture.create("w")
    let index = fixture.repository.appending(".git/worktrees/w/index")
    var generator = SeededGenerator(seed: 7)
    let status = try #require(Files.status(tree))
    for round in 0..<20 {
      let listed = try fixture.git(["ls-files", "-s"], in: tree).split(separator: "\n").map(String.init)
      var patch = IndexPatch()
      var expected = listed
      for line in listed where Int.random(in: 0..<6, using: &generator) == 0 {
        let fields = line.split(separator: "\t", maxSplits: 1)
        let words = fields[0].split(separator: " ")
        expected.removeAll { $0 == line }
        if Bool.random(using: &generator) {
          patch.remove(FilePath(String(fields[1])))
        } else {
          let id = try #require(
            ObjectID(String(repeating: "0123456789abcdef".randomElement(using: &generator) ?? "0", count: 40)))
          let mode = try #require(UInt32(words[0], radix: 8))
          patch.put(FilePath(String(fields[1])), .init(status: status, mode: mode, id: id))
          expected.append("\(words[0]) \(id) 0\t\(fields[1])")
        }
      }
      for number in 0..<Int.random(in: 0..<5, using: &generator) {
        let path =
          ["a", "zz", "dir0", "dir0/sub/file0.txt", "m"].randomElement(using: &generator)! + "-\(round)-\(number)"
          + String(repeating: "x", count: Int.random(in: 0..<20, using: &generator))
        let id = try #require(ObjectID(String(repeating: "a", count: 40)))
        patch.put(FilePath(path), .init(status: status, mode: 0o100644, id: id))
        expected.append("100644 \(id) 0\t\(path)")
      }
      let patched = fixture.scratch.appending("index.\(round)")
      #expect(try patch.apply(index, to: patched))
      #expect(AtomicFile.rename(from: patched, to: index) == 0)
      let seen = try fixture.git(["ls-files", "-s"], in: tree).split(separator: "\n").map(String.init)
      #expect(Set(seen) == Set(expected) && seen.count == expected.count)
      // libgit2 checks the digest when it reads.
      #expect(try Index(at: index).count == expected.count)
    }
  }

  @Test func `what is not an index is refused`() {
    let zeros = [UInt8](repeating: 0, count: 40)
    for bytes in [
      [], Array("DIRC".utf8) + [0, 0, 0, 4] + zeros, Array("DIRC".utf8) + [0, 0, 0, 2, 0, 0, 0, 9] + zeros,
    ] {
      #expect(bytes.withUnsafeBytes { IndexPatch().parts($0) } == nil)
    }
  }
}
