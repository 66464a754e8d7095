import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// The regular look, where not all of a tenant's repositories are as they should be.
@Suite struct SandboxSweepTests {
  /// Its sandboxes hang on a private copy; the helper is a plain user.
  @Test(
    .enabled(if: geteuid() == 0, "needs root, to be somebody else"),
    .enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built"))
  func `a source that the tenant may only read is no reason to stop`() throws {
    let fixture = try GitFixture(files: 2)
    let common = fixture.repository.appending(".git")
    // One whom nobody else is: of its own user's processes it must see where they are at work.
    let user = 64_321
    let prepared = try RunningProcess.shell(
      "chown -R \(user):\(user) '\(fixture.scratch.path)' && chmod -R a-w '\(fixture.repository)'")
    #expect(prepared.exitCode == 0, "\(prepared.errors)")
    func verb(_ verb: String, _ more: [String: JSON]) throws -> JSON {
      let helper = try RunningProcess.run(
        "/usr/bin/setpriv",
        ["--reuid=\(user)", "--regid=\(user)", "--clear-groups", BuiltProducts.looopFleet.string, "_sandbox", verb],
        environment: ["HOME": fixture.scratch.path.string], input: fixture.request("w", more).compact)
      return try #require(helper.json, "\(helper.errors)")
    }
    #expect(try verb("create", ["private": true])["ok"] == true)
    #expect(try verb("remove", ["private": true, "sweep": false])["outcome"] == "removed")
    #expect(Files.names(fixture.root.appending("trash")).count == 1)
    let tended = try verb("tend", ["pool_max": 1, "free_floor_bytes": 0])
    #expect(tended["ok"] == true && tended["skipped"] == [] && tended["recycled"] == 1, "\(tended.compact)")
    #expect(tended["sandboxes"]?.array?.first?["state"] == "warm" && tended["total_bytes"]?.int ?? 0 > 0)
    #expect(Files.names(fixture.root.appending("trash")) == [] && !Files.exists(common.appending("looop")))
    let retired = try verb("tend", ["pool_max": 0, "retire": true])
    #expect(retired["retired"] == ["web"] && retired["deleted"] == 1, "\(retired.compact)")
  }

  @Test func `one repository in trouble is told, and the others are swept`() throws {
    let fixture = try GitFixture(files: 2)
    let broken = fixture.scratch.appending("broken")
    try fixture.git(["clone", "-q", fixture.repository.string, broken.string])
    try fixture.create("w", ["repo_name": "aa", "repo_path": .string(broken.string)])
    try fixture.create("v")
    for (worker, name, path) in [("w", "aa", broken), ("v", "web", fixture.repository)] {
      let place: [String: JSON] = ["repo_name": .string(name), "repo_path": .string(path.string), "sweep": false]
      #expect(fixture.verb("remove", worker, place)["outcome"] == "removed")
    }
    try AtomicFile.write("no commit\n", to: broken.appending(".git/refs/heads/main"))
    let repos: JSON = ["aa": .string(broken.string), "web": .string(fixture.repository.string)]
    let tended = fixture.verb("tend", "x", ["repos": repos, "pool_max": 1, "free_floor_bytes": 0])
    let told = tended["skipped"]?.array?.compactMap(\.string) ?? []
    #expect(told.count == 1 && told.first?.hasPrefix("aa: ") == true, "\(tended.compact)")
    #expect(tended["recycled"] == 1 && tended["deleted"] == 1 && Files.names(fixture.root.appending("trash")) == [])
    #expect(Files.names(fixture.root.appending("pool/web")).count == 1)
  }
}
