import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

extension GitFixture {
  fileprivate var packedRefs: FilePath { repository.appending(".git/packed-refs") }

  fileprivate func audit(_ measure: [String: JSON]) -> JSON { verb("audit", "w", measure) }
}

@Suite struct RepositoryAuditTests {
  /// What a hostile worker does, what is said of it, and a test in the repository that holds once it was put right.
  static let leaks: [(String, String, String)] = [
    (
      "GIT_DIR=$(git rev-parse --git-dir) git init -q; git config core.bare true", "core.bare",
      "test \"$(git config core.bare)\" = false"
    ),
    ("git config core.hooksPath $PWD/h", "core.hookspath", "! git config core.hooksPath"),
    ("git config core.fsmonitor 'touch $EVIL'", "core.fsmonitor", "! git config core.fsmonitor"),
    (
      "git config filter.x.clean 'touch $EVIL'; git config filter.x.smudge 'touch $EVIL'", "filter.x.clean",
      "! git config filter.x.clean"
    ),
    ("echo '* filter=x' > $C/info/attributes", "info/attributes was planted", "test ! -e .git/info/attributes"),
    (
      "printf '#!/bin/sh\\ntouch $EVIL\\n' > $C/hooks/post-checkout; chmod +x $C/hooks/post-checkout",
      "hooks/post-checkout was planted", "test ! -e .git/hooks/post-checkout"
    ),
    ("ln -s /tmp/evil $C/hooks/pre-commit", "hooks/pre-commit is now a link", "test ! -L .git/hooks/pre-commit"),
    (
      "echo /tmp/elsewhere > $C/objects/info/alternates", "alternates was planted",
      "test ! -e .git/objects/info/alternates"
    ),
    (
      "git config alias.status '!touch $EVIL'; git config include.path /tmp/evil", "alias.status",
      "! git config include.path"
    ),
    (
      "git config core.sshCommand 'touch $EVIL'; git config credential.helper '!touch $EVIL'", "core.sshcommand",
      "! git config core.sshCommand"
    ),
    ("git config core.worktree /", "core.worktree", "! git config core.worktree"),
    (
      "git update-ref -d refs/heads/keep", "refs/heads/keep was deleted",
      "git rev-parse -q --verify refs/looop/audit/w/heads/keep"
    ),
    (
      "git update-ref refs/heads/keep $(git commit-tree -m x HEAD^{tree})", "refs/heads/keep moved",
      "git rev-parse -q --verify refs/looop/audit/w/heads/keep"
    ),
    (
      "git stash pop -q", "stash@{0}",
      "s=$(git for-each-ref --format='%(objectname)' refs/looop/audit/w) && git stash apply -q $s && ! git diff --quiet && git checkout -q ."
    ),
    ("git stash clear", "stash@{1}", "test $(git for-each-ref refs/looop/audit/w | wc -l) = 2"),
    ("rm $C/refs/stash", "stash@{0}", "test $(git for-each-ref refs/looop/audit/w | wc -l) = 2"),
    ("echo /run.sh >> $C/info/exclude", "info/exclude changed", "true"),
    (
      "git config extensions.worktreeConfig true", "extensions.worktreeconfig", "! git config extensions.worktreeConfig"
    ),
    ("git config core.autocrlf true", "core.autocrlf", "! git config core.autocrlf"),
    (
      "git config url.ext::evil.insteadOf https://; git config remote.origin.uploadpack 'touch $EVIL'",
      "remote.origin.uploadpack", "! git config remote.origin.uploadpack"
    ),
    (
      "git config includeIf.gitdir:/.path /tmp/evil", "includeif.gitdir:/.path", "! git config --get-regexp includeif"
    ),
    ("git pack-refs --all; mv $C/packed-refs $C/p; ln -s p $C/packed-refs", "packed-refs is now a link", "true"),
    (
      "git replace HEAD $(git commit-tree -m evil HEAD^{tree})", "refs/replace/",
      "test -z \"$(git replace)\" && git for-each-ref refs/looop/audit/w | grep -q replace"
    ),
    (
      "head -c 2000000 /dev/zero > $C/hooks/post-checkout; chmod +x $C/hooks/post-checkout",
      "hooks/post-checkout was planted", "test ! -e .git/hooks/post-checkout"
    ),
    (
      "truncate -s 20M $C/config", "config was made too large", "git config core.repositoryformatversion"
    ),
    (
      "git init -q --bare $C/looop/evil; git -C $C/looop/evil config core.fsmonitor 'touch $EVIL'; echo $C/looop/evil > $C/worktrees/human/commondir",
      "worktrees/human/commondir was changed", "test $(cat .git/worktrees/human/commondir) = ../.."
    ),
    (
      "echo $C/../elsewhere/.git > $C/worktrees/human/gitdir", "worktrees/human/gitdir was changed",
      "git worktree list | grep -q /human"
    ),
    (
      "printf '[core]\n\tfsmonitor = touch $EVIL\n' > $C/worktrees/human/config.worktree",
      "worktrees/human/config.worktree names core.fsmonitor", "test ! -e .git/worktrees/human/config.worktree"
    ),
    ("echo /nowhere > $C/worktrees/w/commondir", "worktrees/w/commondir was changed", "git -C $TREE status -s"),
    (": > $C/config", "config was destroyed", "git config core.repositoryformatversion"),
    ("printf '[core]\\nbroken' > $C/config", "core.repositoryformatversion", "git config core.repositoryformatversion"),
  ]

  @Test(arguments: leaks) func `what a hostile worker plants neither runs nor stays`(
    _ leak: (String, String, String)
  ) throws {
    let fixture = try GitFixture()
    try fixture.git(["branch", "keep"])
    for text in ["older", "newer"] {
      try fixture.scratch.write("\(text)\n", to: "source/run.sh")
      try fixture.git(["stash", "-q"])
    }
    let evil = fixture.scratch.appending("evil")
    try fixture.git(["worktree", "add", "-q", "--detach", fixture.scratch.appending("human").string])
    let before = try fixture.measure()
    let tree = try fixture.create()
    let script = "C=$(git rev-parse --git-common-dir); EVIL=\(evil); \(leak.0.replacing("$EVIL", with: evil.string))"
    let done = try RunningProcess.run("/bin/bash", ["-c", script], environment: GitFixture.identity, directory: tree)
    #expect(done.exitCode == 0, "\(done.errors)")
    // Everything that the helpers do, with the trap set.
    for verb in ["inspect", "preflight", "diff", "due", "tend"] { _ = fixture.verb(verb) }
    _ = fixture.verb("create", "other")
    _ = fixture.verb("inspect", "w", ["worker": .null])
    #expect(!Files.exists(evil), "the helpers ran it")
    let audited = fixture.audit(before)
    #expect(audited["ok"] == true, "\(audited.compact)")
    let said = (audited["findings"]?.array ?? []).compactMap { $0["what"]?.string }
    #expect(said.contains { $0.contains(leak.1) }, "\(said)")
    #expect(!Files.exists(evil))
    let repaired = try RunningProcess.run(
      "/bin/bash", ["-c", leak.2.replacing("$TREE", with: tree.string)], environment: GitFixture.identity,
      directory: fixture.repository)
    #expect(repaired.exitCode == 0, "not repaired: \(audited.compact)")
    #expect(!Files.exists(evil))
    let second = fixture.audit(["baselines": audited["baselines"] ?? .null])
    #expect(second["findings"] == [], "a second audit finds nothing")
    #expect(try fixture.git(["status", "--porcelain"]) == "")
  }

  /// What a worker does to what another one left, and whether it is told to everybody.
  static let others: [(String, Bool)] = [
    ("git branch -q -D looop/v", true), ("git update-ref refs/heads/looop/v main", true),
    ("git update-ref -d refs/looop/parked/v", true),
    ("git update-ref refs/heads/looop/v $(git commit-tree -p looop/v -m more main^{tree})", false),
    ("git branch -q merged looop/v; git branch -q -D looop/v", false),
    ("git commit -q --allow-empty -m own; git commit -q --amend --allow-empty -m 'own, better'", false),
  ]

  @Test(arguments: others) func `what another worker left is anchored`(_ row: (String, Bool)) throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    let (tree, theirs) = (try fixture.create("w"), try fixture.create("v"))
    try AtomicFile.write("x\n", to: theirs.appending("x"))
    try fixture.commitAll("only here", in: theirs)
    try AtomicFile.write("y\n", to: theirs.appending("y"))
    let removed = fixture.verb("remove", "v", before)
    #expect(removed["outcome"] == "parked", "\(removed.compact)")
    let baselines = try #require(removed["baselines"])
    let done = try RunningProcess.run("/bin/bash", ["-ec", row.0], environment: GitFixture.identity, directory: tree)
    #expect(done.exitCode == 0, "\(done.errors)")
    let findings = fixture.audit(["baselines": baselines])["findings"]?.array ?? []
    #expect(findings.contains { $0["serious"] == true } == row.1, "\(findings)")
    let anchored = try fixture.git(["for-each-ref", "--format=%(refname)", "refs/looop/audit"])
    #expect(anchored.isEmpty != row.1, "\(anchored)")
  }

  @Test(arguments: [
    ("git branch -q feature; git tag t", false), ("git --git-dir=$C symbolic-ref HEAD refs/heads/other", false),
    ("git --git-dir=$C symbolic-ref HEAD refs/heads/looop/w", true), ("echo garbage > $C/HEAD", true),
  ])
  func `what is new is told, and to everybody what nobody means`(_ row: (String, Bool)) throws {
    let fixture = try GitFixture()
    try fixture.git(["branch", "other"])
    let before = try fixture.measure()
    let tree = try fixture.create()
    let script = "C=$(git rev-parse --git-common-dir); \(row.0)"
    let done = try RunningProcess.run("/bin/bash", ["-ec", script], environment: GitFixture.identity, directory: tree)
    #expect(done.exitCode == 0, "\(done.errors)")
    let findings = fixture.audit(before)["findings"]?.array ?? []
    #expect(!findings.isEmpty && findings.allSatisfy { $0["serious"]?.bool == row.1 && $0["news"]?.bool == !row.1 })
  }

  @Test func `a worktree that its owner moved or configured stays so`() throws {
    let fixture = try GitFixture()
    let (human, moved) = (fixture.scratch.appending("human"), fixture.scratch.appending("moved"))
    try fixture.git(["worktree", "add", "-q", "--detach", human.string])
    let before = try fixture.measure()
    try fixture.create()
    try fixture.git(["worktree", "move", human.string, moved.string])
    try fixture.git(["worktree", "add", "-q", "--detach", human.string])
    try AtomicFile.write(
      "[core]\n\tsparseCheckout = true\n", to: fixture.repository.appending(".git/worktrees/human/config.worktree"))
    let findings = fixture.audit(before)["findings"]?.array ?? []
    #expect(findings.allSatisfy { $0["serious"] == false }, "\(findings)")
    #expect(try fixture.git(["status", "--porcelain"], in: moved) == "")
  }

  @Test func `what a private repository borrows from is looked at as well`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure(["private": true])
    try fixture.create("w", ["private": true])
    let evil = fixture.scratch.appending("evil")
    try fixture.git(["config", "core.fsmonitor", "touch \(evil)"])
    try fixture.scratch.write("#!/bin/sh\ntouch \(evil)\n", to: "source/.git/hooks/post-checkout", mode: 0o755)
    let removed = fixture.verb("remove", "w", before.merging(["private": true]) { $1 })
    #expect(removed["outcome"] == "removed", "\(removed.compact)")
    let said = (removed["findings"]?.array ?? []).compactMap { $0["what"]?.string }
    #expect(said.count == 2 && said.allSatisfy { $0.hasPrefix("in \(fixture.repository)/.git: ") }, "\(said)")
    try fixture.git(["checkout", "-q", "-b", "next"])
    #expect(!Files.exists(evil))
    #expect(removed["baselines"]?.array?.count == 2)
  }

  @Test func `what a removal deletes in a private repository is still measured in the source`() throws {
    let fixture = try GitFixture()
    try fixture.git(["checkout", "-q", "-b", "looop/w"])
    try fixture.commitAll("another tenant's")
    try fixture.git(["checkout", "-q", "main"])
    let before = try fixture.measure(["private": true])
    try fixture.create("w", ["private": true])
    let removed = fixture.verb("remove", "w", before.merging(["private": true]) { $1 })
    #expect(removed["deleted_branch"] == "looop/w", "\(removed.compact)")
    let kept = (removed["baselines"]?.array ?? []).filter { $0["references"]?["refs/heads/looop/w"] != nil }
    #expect(kept.map { $0["directory"]?["path"]?.string } == ["\(fixture.repository)/.git"])
  }

  @Test func `a hook that became a link is put back once`() throws {
    let fixture = try GitFixture()
    try fixture.scratch.write("#!/bin/sh\n", to: "source/.git/hooks/pre-commit", mode: 0o755)
    let before = try fixture.measure()
    let tree = try fixture.create()
    let hook = fixture.repository.appending(".git/hooks/pre-commit")
    let done = try RunningProcess.run("/bin/ln", ["-sf", "/bin/true", hook.string], directory: tree)
    #expect(done.exitCode == 0, "\(done.errors)")
    let findings = fixture.audit(before)["findings"]?.array ?? []
    #expect(findings.map { $0["what"] } == ["hooks/pre-commit is now a link to /bin/true"], "\(findings)")
    #expect(FileReading.of(hook).text == "#!/bin/sh\n" && !Files.isLink(hook))
    let aside = Files.names(fixture.root.appending("quarantine/w")).filter { $0.hasPrefix("hooks") }
    #expect(aside.count == 1, "\(aside)")
  }

  @Test func `redirected objects block the repository`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    try fixture.create()
    let common = fixture.repository.appending(".git")
    #expect(AtomicFile.rename(from: common.appending("objects"), to: fixture.scratch.appending("moved")) == 0)
    #expect(symlink(fixture.scratch.appending("moved").string, common.appending("objects").string) == 0)
    let audited = fixture.audit(before)
    #expect(audited["blocked"] == true, "\(audited.compact)")
  }

  /// What a worker does to send everybody's git elsewhere, and what a person does about it.
  static let redirections: [(String, String)] = [
    ("mv .git ../evil; echo \"gitdir: $PWD/../evil\" > .git", "rm .git; mv ../evil .git; rm .git/hooks/pre-commit"),
    ("cp -r .git ../evil; rm -r ../evil/worktrees; echo $PWD/../evil > .git/commondir", "rm .git/commondir"),
  ]

  @Test(arguments: redirections) func `a repository that leads elsewhere is blocked, and nothing is given back to it`(
    _ row: (String, String)
  ) throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    let tree = try fixture.create()
    try AtomicFile.write("work\n", to: tree.appending("work"))
    func run(_ script: String) throws {
      let done = try RunningProcess.run("/bin/bash", ["-ec", script], directory: fixture.repository)
      #expect(done.exitCode == 0, "\(done.errors)")
    }
    try run("\(row.0); mkdir -p ../evil/hooks; echo evil > ../evil/hooks/pre-commit")
    let audited = fixture.audit(before)
    #expect(audited["blocked"] == true && audited["baselines"] == [], "\(audited.compact)")
    let what =
      "\(fixture.repository) leads to \(fixture.scratch.appending("evil")) and no longer to \(fixture.repository)/.git"
    #expect(audited["findings"]?.array?.compactMap { $0["what"]?.string } == [what], "\(audited.compact)")
    let torn = fixture.scratch.appending("torn")
    let removed = fixture.verb("remove", "w", before.merging(["teardown": .string("touch \(torn)")]) { $1 })
    #expect(removed["outcome"] == "kept" && removed["blocked"] == true, "\(removed.compact)")
    #expect(Files.exists(tree.appending("work")) && !Files.exists(torn))
    let look = before.merging(["repair": false]) { $1 }
    #expect(fixture.audit(look)["blocked"] == true)
    try run(row.1)
    #expect(fixture.audit(look)["blocked"] == false)
    #expect(fixture.verb("remove", "w", before)["outcome"] == "parked")
  }

  @Test func `a private repository that leads elsewhere is put right`() throws {
    let fixture = try GitFixture()
    let isPrivate: [String: JSON] = ["private": true]
    let before = try fixture.measure(isPrivate).merging(isPrivate) { $1 }
    try fixture.create("w", isPrivate)
    let planted = fixture.root.appending("repos/web.git/commondir")
    try AtomicFile.write("\(fixture.repository)/.git\n", to: planted)
    let findings = fixture.audit(before)["findings"]?.array ?? []
    #expect(findings.contains { $0["what"] == "commondir was planted" } && !Files.exists(planted), "\(findings)")
  }

  /// Its supervisor died before it forgot that it was given up; or the tenant took it away itself.
  @Test func `a private repository that is gone stands in nobody's way, unless it is wanted`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure(["private": true])
    #expect(fixture.verb("tend", "w", ["retire": true])["retired"] == ["web"])
    let own = fixture.root.appending("repos/web.git")
    try fixture.create()
    let audited = fixture.audit(before)
    #expect(audited["ok"] == true && audited["blocked"] == false, "\(audited.compact)")
    #expect(audited["gone"]?.array?.map { $0["path"]?.string } == [own.string], "\(audited.compact)")
    let removed = fixture.verb("remove", "w", before)
    #expect(removed["removed"] == true && removed["gone"] == audited["gone"], "\(removed.compact)")
    let wanted = fixture.audit(before.merging(["private": true]) { $1 })
    #expect(wanted["blocked"] == true && wanted["gone"] == [], "\(wanted.compact)")
    #expect(wanted["findings"]?.array?.first?["what"]?.string == "\(own) is gone", "\(wanted.compact)")
  }

  @Test func `a hundred thousand refs are told as one more line, and are no reason not to look`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    try fixture.create()
    let head = try fixture.head()
    let lines = (0..<100_000).map { "\(head) refs/heads/some-team/feature-branch-\(1_000_000 + $0)\n" }.joined()
    try AtomicFile.write("# pack-refs with: peeled fully-peeled sorted \n" + lines, to: fixture.packedRefs)
    try fixture.scratch.write("#!/bin/sh\n", to: "source/.git/hooks/pre-commit", mode: 0o755)
    let audited = fixture.audit(before)
    let said = (audited["findings"]?.array ?? []).compactMap { $0["what"]?.string }
    #expect(said.count == 12 && said.contains("hooks/pre-commit was planted"), "\(said)")
    #expect(said.contains { $0.hasPrefix("99990 more like this: refs/heads/some-team/") }, "\(said)")
    #expect(audited["baselines"]?.array?.first?["references"]?.object?.count ?? 0 > 100_000)
    #expect(audited.compact.utf8.count < HelperLimits.audit)
  }

  @Test func `what cannot be put right blocks the repository until it was`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    try fixture.create()
    let evil = try fixture.git(["commit-tree", "-m", "evil", "HEAD^{tree}"]).dropLast()
    try fixture.git(["replace", "HEAD", String(evil)])
    let lock = fixture.repository.appending(".git/refs/replace/\(try fixture.head()).lock")
    try AtomicFile.write("", to: lock)
    let audited = fixture.audit(before)
    #expect(audited["blocked"] == true && audited["ok"] == true, "\(audited.compact)")
    let look = before.merging(["repair": false]) { $1 }
    #expect(fixture.audit(look)["blocked"] == true)
    AtomicFile.remove(lock)
    let mended = fixture.audit(before)
    #expect(mended["blocked"] == false && mended["findings"]?.array?.count == 1, "\(mended.compact)")
    #expect(fixture.audit(look)["blocked"] == false)
  }

  @Test func `harmless settings are the user's own`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    let tree = try fixture.create()
    try fixture.git(["config", "user.name", "me"], in: tree)
    let audited = fixture.audit(before)
    #expect(audited["findings"]?.array?.first?["what"] == "config changed: user.name")
    #expect(try fixture.git(["config", "user.name"]) == "me\n")
  }

  /// Who has which of the repositories changes with the configuration, also while a worker of before is at work.
  @Test(arguments: [true, false]) func `a worker of one repository is not measured by another one`(
    _ isPrivateFirst: Bool
  ) throws {
    let fixture = try GitFixture()
    let (first, second): (JSON, JSON) = (.bool(isPrivateFirst), .bool(!isPrivateFirst))
    let config = fixture.repository.appending(".git/config")
    let source = FileReading.of(config).text
    let before = try fixture.measure(["private": first])
    try fixture.create("old", ["private": first])
    try fixture.create("w", ["private": second])
    let removed = fixture.verb("remove", "w", before.merging(["private": second]) { $1 })
    #expect(removed["outcome"] == "removed" && removed["findings"] == [], "\(removed.compact)")
    #expect(FileReading.of(config).text == source)
    try fixture.create("next", ["private": second])
    // A measure of its own is asked for all that has none.
    let known = (before["baselines"]?.array ?? []).compactMap { $0["directory"]?["path"] }
    let more = try fixture.measure(["private": second, "known": .array(known)])["baselines"]?.array
    #expect(more?.count == (isPrivateFirst ? 0 : 1))
  }

  @Test func `another repository under the old name is left alone`() throws {
    let (fixture, other) = (try GitFixture(), try GitFixture(files: 1))
    let before = try fixture.measure()
    try fixture.create("old")
    try other.git(["config", "core.hooksPath", ".githooks"])
    try other.scratch.write("#!/bin/sh\n", to: "source/.git/hooks/pre-push", mode: 0o755)
    let elsewhere = before.merging(["repo_path": .string(other.repository.string)]) { $1 }
    let removed = fixture.verb("remove", "w", elsewhere)
    #expect(removed["ok"] == true && removed["findings"] == [] && removed["baselines"] == [], "\(removed.compact)")
    #expect(try other.git(["config", "core.hooksPath"]) == ".githooks\n")
    #expect(Files.exists(other.repository.appending(".git/hooks/pre-push")))
  }

  @Test func `nothing is put back into a directory that took the place of another one, and the repository is blocked`()
    throws
  {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    try fixture.create()
    let common = fixture.repository.appending(".git")
    let script = "mv .git old && cp -r old .git && git config core.hooksPath .githooks"
    let done = try RunningProcess.run("/bin/bash", ["-ec", script], directory: fixture.repository)
    #expect(done.exitCode == 0, "\(done.errors)")
    let audited = fixture.audit(before)
    #expect(audited["blocked"] == true && audited["baselines"] == [], "\(audited.compact)")
    #expect(audited["findings"]?.array?.first?["what"]?.string == "\(common) was replaced by another directory")
    #expect(try fixture.git(["config", "core.hooksPath"]) == ".githooks\n")
    #expect(Files.exists(common.appending("HEAD")))
  }

  @Test func `a branch that went forward or was merged is everyday work`() throws {
    let fixture = try GitFixture()
    try fixture.git(["branch", "merged"])
    let before = try fixture.measure()
    try fixture.create()
    try fixture.commitAll("somebody else's")
    try fixture.git(["branch", "-D", "merged"])
    let findings = fixture.audit(before)["findings"]?.array ?? []
    #expect(findings.count == 2 && findings.allSatisfy { $0["serious"] == false }, "\(findings)")
    let noted = try fixture.git(["for-each-ref", "--format=%(refname)", "refs/looop/audit"])
    #expect(noted == "refs/looop/audit/w/heads/merged\n")
  }

  @Test func `each state of a branch that is lost is anchored, and told by the name that holds it`() throws {
    let fixture = try GitFixture()
    func commit(_ message: String) throws -> String {
      String(try fixture.git(["commit-tree", "-m", message, "HEAD^{tree}"]).dropLast())
    }
    let (one, two) = (try commit("one"), try commit("two"))
    for (id, name) in [(one, "feature"), (two, "feature-2"), (one, "feature")] {
      try fixture.git(["branch", "feature", id])
      let before = try fixture.measure()
      try fixture.git(["branch", "-q", "-D", "feature"])
      let findings = fixture.audit(before)["findings"]?.array ?? []
      #expect(findings.map { $0["done"] } == [.string("what it named is kept as refs/looop/audit/w/heads/\(name)")])
    }
    let anchored = try fixture.git(["for-each-ref", "--format=%(objectname)", "refs/looop/audit"])
    #expect(anchored == "\(one)\n\(two)\n")
  }

  /// How a branch is lost where its anchor's name cannot be made, or the branch not be read; and where it is kept.
  static let awkward: [(String, String, String)] = [
    ("git update-ref refs/looop/audit/w/heads/f HEAD", "f/x", "f-x"),
    ("git update-ref refs/looop/audit/w/heads/f/x HEAD", "f", "f-2"),
    ("git update-ref refs/looop/audit/w/heads/f/x HEAD; git pack-refs --all", "f", "f-2"),
    ("printf garbage > .git/refs/heads/f", "f", "f"),
  ]

  @Test(arguments: awkward) func `whatever its name, what a branch named is kept`(
    _ row: (String, String, String)
  ) throws {
    let fixture = try GitFixture()
    let lost = try fixture.git(["commit-tree", "-m", "lost", "HEAD^{tree}"])
    try fixture.git(["branch", row.1, String(lost.dropLast())])
    let before = try fixture.measure()
    let script = "\(row.0); test -z \"$(git for-each-ref refs/heads/f)\" || git branch -q -D \(row.1)"
    let done = try RunningProcess.run("/bin/bash", ["-c", script], directory: fixture.repository)
    #expect(done.exitCode == 0, "\(done.errors)")
    let audited = fixture.audit(before)
    #expect(audited["blocked"] == false, "\(audited.compact)")
    #expect(try fixture.git(["rev-parse", "refs/looop/audit/w/heads/\(row.2)"]) == lost, "\(audited.compact)")
  }

  @Test func `what could not be anchored is anchored by the next audit, and blocks nothing`() throws {
    let fixture = try GitFixture()
    try fixture.git([
      "branch", "feature", String(try fixture.git(["commit-tree", "-m", "x", "HEAD^{tree}"]).dropLast()),
    ])
    try fixture.scratch.write("mine\n", to: "source/run.sh")
    try fixture.git(["stash", "-q"])
    let before = try fixture.measure()
    try fixture.git(["stash", "drop", "-q"])
    try fixture.git(["branch", "-q", "-D", "feature"])
    try fixture.git(["update-ref", "refs/looop/audit", "HEAD"])
    let audited = fixture.audit(before)
    #expect(audited["blocked"] == false, "\(audited.compact)")
    #expect(audited["findings"]?.array?.count { $0["serious"] == true } == 2, "\(audited.compact)")
    try fixture.git(["update-ref", "-d", "refs/looop/audit"])
    let next = fixture.audit(["baselines": audited["baselines"] ?? .null])
    let anchored = try fixture.git(["for-each-ref", "refs/looop/audit/w"]).split(separator: "\n")
    #expect(anchored.count == 2, "\(next.compact)")
  }

  @Test func `a repository that was made unusable is put right before the worktree is judged`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    let tree = try fixture.create()
    try AtomicFile.write("work\n", to: tree.appending("work"))
    try AtomicFile.write("[core\n", to: fixture.repository.appending(".git/config"))
    let removed = fixture.verb("remove", "w", before)
    #expect(removed["outcome"] == "parked", "\(removed.compact)")
    #expect(removed["reason"]?.string?.contains("put back") == true)
    let rows = fixture.verb("inspect", "w", ["worker": .null])["sandboxes"]?.array ?? []
    let quarantined = rows.first { $0["state"] == "quarantined" }
    #expect(quarantined?["reason"]?.string?.contains("w changed web for everybody: config") == true, "\(rows)")
  }

  @Test func `a removal tells what its worker did`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    let tree = try fixture.create()
    try fixture.git(["config", "core.hooksPath", ".husky"], in: tree)
    let removed = fixture.verb("remove", "w", before)
    #expect(removed["reason"]?.string?.contains("core.hookspath changed (put back") == true, "\(removed.compact)")
  }

  @Test func `what the teardown does is audited as well`() throws {
    let fixture = try GitFixture()
    let before = try fixture.measure()
    let tree = try fixture.create()
    try AtomicFile.write("echo evil >$(git rev-parse --git-common-dir)/hooks/pre-commit\n", to: tree.appending("clean"))
    let removed = fixture.verb("remove", "w", before.merging(["teardown": "sh clean"]) { $1 })
    #expect(removed["removed"] == true && removed["teardown_error"] == .null, "\(removed.compact)")
    #expect(removed["findings"]?.array?.first?["what"] == "hooks/pre-commit was planted", "\(removed.compact)")
    #expect(!Files.exists(fixture.repository.appending(".git/hooks/pre-commit")))
  }

  /// Whoever may run a hook need not be able to read it; the helper is a plain user.
  @Test(
    .enabled(if: geteuid() == 0, "needs root, to be somebody else"),
    .enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"))
  func `a hook that its user may run and not read stands in nobody's way`() throws {
    let fixture = try GitFixture(files: 2)
    let hook = fixture.repository.appending(".git/hooks/pre-commit")
    try Directory.create(hook.removingLastComponent())
    try AtomicFile.write("#!/bin/sh\n", to: hook)
    let given = try RunningProcess.run("/bin/chown", ["-R", "65534:65534", fixture.scratch.path.string])
    #expect(given.exitCode == 0)
    try Files.setPermissions(hook, 0o111)
    var baselines: JSON = []
    for verb in ["baseline", "create", "remove"] {
      let helper = try RunningProcess(
        "/usr/bin/setpriv",
        ["--reuid=65534", "--regid=65534", "--clear-groups", BuiltProducts.looopFleet.string, "_sandbox", verb],
        environment: ["HOME": fixture.scratch.path.string])
      helper.write(fixture.request("w", ["baselines": baselines]).compact)
      helper.closeInput()
      #expect(helper.wait(within: 60) == .code(0), "\(helper.errors)")
      let answer = try JSON(parsing: helper.output)
      #expect(answer["ok"] == true && answer["findings"]?.array?.isEmpty != false, "\(answer.compact)")
      if verb == "baseline" { baselines = try #require(answer["baselines"]) }
    }
    #expect(Files.permissions(hook) == 0o111)
  }
}
