import SystemPackage
import Tenant
import Testing

@testable import Fleet

@Suite struct SandboxPolicyTests {
  @Test(
    arguments: [
      ([], 0), ([1000], 1), ([1000, 1001, 1002], 3), ([100, 900, 1800], 1), ([1, 2, 3, 4, 5, 6, 7], 4), ([5000], 0),
      ([-90_000, 1990], 1),
    ] as [([Int64], Int)])
  func `the pool is as large as the largest burst`(_ row: ([Int64], Int)) {
    #expect(PoolPolicy().wanted(requests: row.0, now: 2000) == row.1)
  }

  @Test(arguments: [
    (Int64?.none, Int64(0), Int64(99), Int64(0), Int64?(1), SandboxQuota.Verdict.fits),
    (100, 0, 99, 0, 1, .fits), (100, 0, 120, 30, 1, .reclaim),
    (nil, 50, 0, 0, 60, .fits), (nil, 50, 0, 20, 40, .reclaim), (nil, 50, 0, 0, nil, .fits),
  ])
  func `room is decided before anything is written`(
    _ row: (Int64?, Int64, Int64, Int64, Int64?, SandboxQuota.Verdict)
  ) {
    let quota = SandboxQuota(limit: row.0, freeFloor: row.1)
    #expect(quota.decide(used: row.2, reclaimable: row.3, free: row.4) == row.5)
  }

  @Test(
    arguments: [
      (nil, nil, false), (nil, 99, false), (100, nil, true), (100, 0, false), (100, 99, false), (100, 100, true),
      (100, 300, true),
    ] as [(Int64?, Int64?, Bool)])
  func `who is below the limit by the last look is not measured`(_ row: (Int64?, Int64?, Bool)) {
    #expect(SandboxQuota(limit: row.0, estimate: row.1).needsMeasuring == row.2)
  }

  @Test(arguments: [(0, false), (90, false), (91, true), (100, true), (300, true)] as [(Int64, Bool)])
  func `the last tenth is near the limit`(_ row: (Int64, Bool)) {
    #expect(SandboxQuota.isNear(row.0, limit: 100) == row.1)
  }

  @Test func `no room is refused in words`() {
    let over = SandboxQuota(limit: 2 << 30).decide(used: 3 << 30, reclaimable: 0, free: nil)
    #expect(over == .refuse("the tenant's sandboxes occupy 3.0 GiB of the 2.0 GiB they may"))
    let full = SandboxQuota(freeFloor: 1 << 30).decide(used: 0, reclaimable: 1, free: 5 << 20)
    #expect(full == .refuse("only 5 MiB are free, and 1.0 GiB must stay free"))
  }

  @Test func `age and state decide what is looked at`() {
    func reason(_ worker: CollectionAge.Worker?, modified: Int64 = 0) -> String? {
      CollectionAge(keep: ["failed": 7200, "default": 600], now: 10_000).reasonToKeep(worker, modifiedAt: modified)
    }
    #expect(reason(.init(isLive: true, outcome: "completed", endedAt: 0)) == "its worker lives")
    #expect(reason(.init(isLive: false, outcome: "completed", endedAt: 9000)) == nil)
    #expect(reason(.init(isLive: false, outcome: "failed", endedAt: 9000))?.contains("kept for 2 h") == true)
    #expect(reason(.init(isLive: false, outcome: "failed", endedAt: 1000)) == nil)
    #expect(reason(nil, modified: 9900)?.contains("younger") == true)
    #expect(reason(nil, modified: 0) == nil)
  }

  @Test(arguments: ["fix-1", "a", "A.b_c", "0"]) func `plain names name sandboxes`(_ name: String) throws {
    #expect(try SandboxName(name).text == name)
  }

  @Test(arguments: ["", ".", "..", "-x", ".x", "a/b", "a..b", "x.lock", "x.", "a b", "ä", "a\nb", "a~1", "a^", "a:b"])
  func `what could leave a path or a ref does not`(_ name: String) {
    #expect(throws: SandboxError.self) { try SandboxName(name) }
  }

  @Test(arguments: [[0x61], [0x20, 0x25], [0xff, 0xfe], [0x61, 0x0a], Array("ü/ö".utf8)] as [[UInt8]])
  func `paths survive as text`(_ bytes: [UInt8]) throws {
    let path = FilePath().appending(bytes: bytes)
    #expect(PathText.decode(PathText.encode(path)) == path)
    #expect(PathText.decodeBytes(PathText.encode(bytes)) == bytes)
  }

  private static func facts(_ change: (inout PreflightFacts) -> Void) -> PreflightFacts {
    var facts = PreflightFacts()
    change(&facts)
    return facts
  }

  static let findings: [(String, PreflightFacts, Bool)] = [
    ("submodules", facts { $0.hasSubmodules = true }, true),
    ("submodules", PreflightFacts(hasSubmodules: true, tools: ["git"]), false),
    ("lfs", PreflightFacts(filters: ["lfs"], tools: ["git"]), true),
    ("lfs", PreflightFacts(filters: ["lfs"], tools: ["git-lfs"]), false),
    ("filter", facts { $0.filters = ["crypt"] }, true),
    ("filter", PreflightFacts(filters: ["crypt"], trustedFilters: ["crypt"]), false),
    ("partial_clone", facts { $0.isPartial = true }, true),
    ("object_format", facts { $0.objectFormat = "sha256" }, true),
    ("ref_storage", facts { $0.extensions = ["refstorage"] }, true),
    ("extension", facts { $0.extensions = ["brandnew"] }, true),
    ("ownership", facts { $0.isOwned = false }, true), ("shallow", facts { $0.isShallow = true }, false),
    ("commit", facts { $0.hasCommit = false }, true), ("branch", facts { $0.hasBranchNamedLooop = true }, true),
    ("repository", facts { $0.isRepository = false }, true),
    ("programs", facts { $0.programs = ["core.fsmonitor"] }, false),
  ]

  @Test(arguments: findings) func `a preflight says what it means`(_ row: (String, PreflightFacts, Bool)) {
    let finding = PreflightFinding.all(row.1).first { $0.name == row.0 }
    #expect(finding != nil && (finding?.level == .refused) == row.2 && finding?.means.isEmpty == false)
  }

  @Test func `nothing to say of a plain repository`() { #expect(PreflightFinding.all(PreflightFacts()).isEmpty) }
}
