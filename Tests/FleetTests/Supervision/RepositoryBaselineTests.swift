import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct RepositoryBaselineTests {
  private static func snapshot(_ path: String, _ head: String) -> JSON {
    ["v": 2, "directory": ["path": .string(path)], "head": .string(head)]
  }

  private static func heads(_ baseline: RepositoryBaseline) -> [String] {
    baseline.snapshots.compactMap { $0["head"]?.string }
  }

  @Test func `each directory has a measure of its own, for as long as somebody is there`() {
    var baseline = RepositoryBaseline()
    #expect(!baseline.isOpen && baseline.snapshots == [])
    baseline.begin([Self.snapshot("/r", "one")])
    #expect(baseline.open == ["/r"])
    baseline.begin([Self.snapshot("/s/t/repos/r.git", "twin")])
    // An answer about one says nothing of the other, and one about a directory that was never measured says nothing.
    baseline.take([Self.snapshot("/r", "two"), Self.snapshot("/else", "x")], isOpen: false, blocked: nil)
    #expect(baseline.open == ["/s/t/repos/r.git"] && Self.heads(baseline) == ["two", "twin"])
    baseline.reopen()
    #expect(baseline.open.count == 2)
    var other = baseline
    baseline.forget(below: "/s/t")
    #expect(baseline.open == ["/r"])
    other.forget([["path": "/r"], ["path": "/s/t/repos/r.git", "inode": 2]])
    #expect(other.open == ["/s/t/repos/r.git"], "what was measured there since stays")
  }

  @Test func `where a repository leads while nobody is there is how it should be`() {
    func snapshot(_ path: String) -> JSON { ["directory": ["path": .string(path)], "repo_path": "/r"] }
    var baseline = RepositoryBaseline()
    baseline.begin([snapshot("/r/.git")])
    baseline.begin([snapshot("/elsewhere")])
    #expect(baseline.open == ["/elsewhere", "/r/.git"], "somebody is there")
    baseline.take(baseline.snapshots, isOpen: false, blocked: nil)
    baseline.begin([snapshot("/r/.git")])
    #expect(baseline.directories.keys.sorted() == ["/r/.git"])
  }

  @Test func `a blocked one keeps the measure of how it should be`() {
    var baseline = RepositoryBaseline()
    baseline.begin([Self.snapshot("/r", "sound")])
    baseline.take([Self.snapshot("/r", "evil")], isOpen: false, blocked: "objects is a link")
    #expect(baseline.blocked == "objects is a link" && Self.heads(baseline) == ["sound"])
  }

  @Test func `an answer that comes late takes nothing back`() {
    func snapshot(_ head: String, _ taken: Double, boot: String = "b") -> JSON {
      [
        "directory": ["path": "/r", "boot_id": .string(boot), "taken_s": .double(taken)], "head": .string(head),
      ]
    }
    var baseline = RepositoryBaseline()
    baseline.begin([snapshot("first", 1)])
    baseline.take([snapshot("later", 3)], isOpen: true, blocked: nil)
    baseline.take([snapshot("earlier", 2)], isOpen: false, blocked: nil)
    #expect(Self.heads(baseline) == ["later"] && !baseline.isOpen)
    baseline.take([snapshot("after a reboot", 1, boot: "c")], isOpen: true, blocked: nil)
    #expect(Self.heads(baseline) == ["after a reboot"])
    baseline.take([], isOpen: true, blocked: "objects is a link")
    baseline.take([snapshot("sound", 9, boot: "c")], isOpen: false, blocked: nil)
    #expect(baseline.blocked == "objects is a link" && Self.heads(baseline) == ["after a reboot"])
  }

  @Test func `baselines are kept beside the ledger, and a broken one is not taken for none`() throws {
    let scratch = try ScratchDirectory("baselines")
    let (baselines, tenant) = (AuditBaselines(directory: scratch.appending("b")), try #require(TenantID("t")))
    #expect(baselines.read(tenant, "web") == .known(RepositoryBaseline()))
    var kept = RepositoryBaseline()
    kept.begin([Self.snapshot("/r", "x")])
    kept.blocked = "objects is a link"
    #expect(baselines.change(tenant, "web") { $0 = kept } == nil)
    #expect(baselines.read(tenant, "web") == .known(kept))
    #expect(baselines.read(tenant, "api") == .known(RepositoryBaseline()))
    for broken in ["{", "{}", "{\"v\":1,\"snapshot\":{}}"] {
      try AtomicFile.write(broken, to: baselines.file(tenant, "web"))
      if case .known = baselines.read(tenant, "web") { Issue.record("\(broken) is none") }
      #expect(baselines.change(tenant, "web") { $0 = kept } != nil)
      #expect(FileReading.of(baselines.file(tenant, "web")).text == broken)
    }
  }
}
