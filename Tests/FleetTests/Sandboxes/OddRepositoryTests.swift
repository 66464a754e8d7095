import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// A repository with what repositories rarely have, and work of every kind all over it: parked by a removal, restored to the byte.
@Suite struct OddRepositoryTests {
  /// Run in the source by bash, which can write bytes that are no text.
  private static let oddities = #"""
    set -e; mkdir -p odd/deep/er crlf exec links
    names=('with space' $'tab\there' $'new\nline' 'quo"te' "a'postrophe" '-dash' ':(top)magic' 'glob[a]*?' 'back\slash' 'ünïcødé' $'latin\xff' ' lead' 'trail ' '#hash' '!bang' '~tilde' 'CON' '.dotted')
    for name in "${names[@]}"; do printf 'one\ntwo\n' >"odd/$name"; done
    mkdir $'odd/dir \xfe'; echo deep >$'odd/dir \xfe/f'; cp odd/CON odd/deep/er/con
    printf '* text=auto\n*.win text eol=crlf\n*.unix text eol=lf\n*.raw -text\n*.id ident\n' >.gitattributes
    printf 'a\nb\n' >crlf/a.win; printf 'a\nb\n' >crlf/b.unix; printf 'a\r\nb\r\n' >crlf/c.raw; printf 'a\nb\n' >crlf/auto; printf '$Id$\n' >crlf/d.id
    printf '#!/bin/sh\n' >exec/run; chmod 755 exec/run; printf 'no\n' >exec/plain; : >exec/empty; chmod 755 exec/empty
    ln -s ../odd links/dir; ln -s nowhere links/dangling; ln -s /etc/hostname links/absolute; ln -s ../../outside links/out
    ln -s $'to \xff bytes' links/bytes; ln -s . links/self; ln -s '../odd/with space' $'links/na\nme'
    printf '*.skip\ncache/\n' >.gitignore
    """#

  /// Run in the sandbox: tracked files of each kind changed, new ones of each kind, ignored ones.
  private static let work = #"""
    set -e
    for name in odd/* odd/.dotted; do if [ -f "$name" ]; then printf 'three\r\nno end' >>"$name"; fi; done
    chmod 755 'odd/with space'; rm $'odd/tab\there' $'odd/latin\xff'; mv 'odd/quo"te' 'odd/quo"te too'; printf '\0\1\377' >odd/CON
    printf 'c\r\n' >>crlf/a.win; printf 'mixed\r\n' >>crlf/b.unix; printf 'c\n' >>crlf/c.raw; printf 'c\r\n' >>crlf/auto; echo mine >>crlf/d.id
    chmod 644 exec/run; chmod 700 exec/plain; chmod 600 crlf/c.raw
    ln -sfn $'elsewhere \xfd' links/dir; rm links/dangling; printf 'a file now\n' >links/dangling; rm links/self; mkdir links/self; echo x >links/self/x
    rm exec/empty; ln -s run exec/empty
    mkdir -p $'new/\xfa dir/in'; printf 'new\r\n' >$'new/\xfa dir/in/na\nme'; echo '#!/bin/sh' >new/go; chmod 755 new/go; echo key >new/secret; chmod 600 new/secret
    ln -s ../odd/CON new/link; ln -s $'no\xffwhere' new/dangling; ln -s . new/loop; printf 'w\r\n' >new/n.win; : >new/empty; printf 'staged\r\n' >new/staged.win
    git add new/staged.win 'odd/-dash'; printf 'after\n' >>'odd/-dash'
    mkdir cache; echo big >cache/object; printf 'ignored\r\n' >$'new/\xf9.skip'; chmod 640 $'new/\xf9.skip'
    """#

  private static func run(_ script: String, in place: FilePath) throws {
    let done = try RunningProcess.run(
      "/bin/bash", ["-c", script], environment: GitFixture.identity.merging(["LC_ALL": "C"]) { _, new in new },
      directory: place)
    #expect(done.exitCode == 0, "\(done.errors)")
  }

  /// All that git says of the tree, and all that stands in it.
  private struct State: Equatable {
    var contents: [String: String]
    var status: String

    init(_ fixture: GitFixture, _ tree: FilePath) throws {
      contents = try fixture.contents(tree)
      status = try fixture.git(["status", "--porcelain=v2", "-z", "--untracked-files=all"], in: tree)
    }
  }

  private static func make() throws -> GitFixture {
    let fixture = try GitFixture(files: 3)
    try run(oddities, in: fixture.repository)
    try fixture.commitAll("odd")
    return fixture
  }

  @Test(arguments: ["cold", "warm", "private"]) func `work in an odd repository comes back to the byte`(
    _ how: String
  ) throws {
    let fixture = try Self.make()
    let more: [String: JSON] = ["private": .bool(how == "private")]
    if how == "warm" {
      try fixture.create()
      #expect(fixture.verb("remove", "w", ["sweep": false])["outcome"] == "removed")
      let swept = fixture.verb("sweep", "x", ["pool_max": 1, "free_floor_bytes": 0])
      #expect(swept["recycled"] == 1, "\(swept.compact)")
    }
    let made = fixture.verb("create", "w", more)
    #expect(made["from"]?.string == (how == "warm" ? "warm" : "cold"), "\(made.compact)")
    let tree = FilePath(try #require(made["path"]?.string))
    try Self.run(Self.work, in: tree)
    // What can be built again is not work; a file that git ignores is, as long as it is small and by itself.
    var state = try State(fixture, tree)
    let built = state.contents.removeValue(forKey: "cache/object")
    #expect(built != nil && state.contents.count > 40)
    for _ in 0..<2 {
      let removed = fixture.verb("remove", "w", more)
      #expect(removed["outcome"] == "parked" && !Files.exists(tree), "\(removed.compact)")
      try fixture.git(["gc", "-q", "--prune=now"])
      let restored = fixture.verb("restore", "w", more)
      #expect(restored["ok"] == true, "\(restored.compact)")
      let now = try State(fixture, tree)
      for (path, contents) in state.contents where now.contents[path] != contents {
        Issue.record("\(path): \(contents) became \(now.contents[path] ?? "nothing")")
      }
      #expect(now == state)
      #expect(!(try fixture.git(["fsck", "--no-dangling"], in: tree)).contains("error"))
      try fixture.git(["worktree", "unlock", tree.string], in: tree)
      // The next removal parks it under another name, and `restore` takes the first.
      let common = String(try fixture.git(["rev-parse", "--git-common-dir"], in: tree).dropLast())
      try fixture.git(["update-ref", "-d", "refs/looop/parked/w"], in: FilePath(common))
    }
  }

  /// Work in a repository of its own cannot be parked by the outer one: all stays as it is, until that one is gone.
  @Test func `one with a repository in it is kept as it stands, and parked once that is out of the way`() throws {
    let fixture = try Self.make()
    let tree = try fixture.create()
    try Self.run(
      Self.work + #"""

        git init -q 'odd/in ner'; cd 'odd/in ner'; printf 'x\r\n' >f; ln -s f l; git add f; git commit -qm own; echo dirty >>f
        """#, in: tree)
    let before = try State(fixture, tree)
    let kept = fixture.verb("remove")
    #expect(kept["outcome"] == "kept" && kept["reason"]?.string?.contains("odd/in ner") == true, "\(kept.compact)")
    #expect(try State(fixture, tree) == before)
    try TreeRemoval.remove(tree.appending("odd/in ner/.git"))
    var state = try State(fixture, tree)
    #expect(state.contents.removeValue(forKey: "cache/object") != nil)
    #expect(fixture.verb("remove")["outcome"] == "parked")
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(try State(fixture, tree) == state)
  }
}
