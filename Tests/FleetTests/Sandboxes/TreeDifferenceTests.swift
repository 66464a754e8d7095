import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct TreeDifferenceTests {
  /// Files, links and directories that come, go, change and take each other's place, on few names so that they meet.
  @Test func `it names what git names`() throws {
    let fixture = try GitFixture(files: 3)
    let repository = fixture.repository
    var generator = SeededGenerator(seed: 5)
    var before = try fixture.head()
    for round in 0..<30 {
      for _ in 0..<4 {
        let names = ["a", "a.b", "a0", "b", ".gitattributes"]
        let path = (0..<Int.random(in: 1...3, using: &generator))
          .map { _ in names.randomElement(using: &generator)! }.joined(separator: "/")
        let change = ["echo \(round) > $P", "ln -s \(round) $P", "echo x > $P && chmod +x $P", ":"]
          .randomElement(using: &generator)!
        // What stands in the way goes: a file above it, a directory in its place.
        let script = """
          cd \(repository) && P=\(path) && Q=$P
          while [ $Q != . ]; do [ -d $Q -a $Q != $P ] || rm -rf $Q; Q=$(dirname $Q); done
          mkdir -p $(dirname $P) && \(change)
          """
        try #require(RunningProcess.run("/bin/bash", ["-c", script]).exitCode == 0)
      }
      try fixture.commitAll("\(round)")
      let after = try fixture.head()
      var (gone, present) = (Set<String>(), Set<String>())
      let listed = try fixture.git(["diff-tree", "-r", "--no-renames", before, after])
      for line in listed.split(separator: "\n") {
        let words = line.split(whereSeparator: { " \t".contains($0) })
        if words[4] == "D" { gone.insert("\(words[5])") } else { present.insert("\(words[1]) \(words[3]) \(words[5])") }
      }
      let seen = try TreeDifference(
        from: #require(ObjectID(before)), to: #require(ObjectID(after)), in: repository.appending(".git"))
      #expect(Set(seen.gone.map(\.string)) == gone && seen.gone.count == gone.count)
      let items = seen.present.map { "\(String($0.mode, radix: 8)) \($0.id) \($0.path)" }
      #expect(Set(items) == present && items.count == present.count)
      before = after
    }
  }
}
