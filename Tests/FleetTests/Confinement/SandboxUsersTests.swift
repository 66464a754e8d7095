import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

extension Confined {
  /// A helper under Landlock sees no other process of its tenant's: what the supervisor does not tell it, it must not take for nobody.
  @Suite(
    .serialized, .timeLimit(.minutes(2)), .enabled(if: Confining.isPossible, Confining.reason),
    .enabled(if: LandlockSupport.abi > 0, "this kernel has no Landlock"), .confinement)
  struct SandboxUsersTests {
    private let fixture = ConfinementFixture.shared

    @Test func `a confined helper takes nothing away from under a process of another domain`() throws {
      let tenant = try fixture.tenant("uses") { $0.landlock = .on }
      let source = tenant.dataDirectory.appending("source")
      let made = try fixture.run(
        .beat(tenant),
        "git init -q -b main \(source) && cd \(source) && git -c user.name=t -c user.email=t@t commit -q --allow-empty -m x"
      )
      #expect(made.reason == .code(0), "\(made.complaint)")
      let root = try #require(tenant.sandboxes)
      func verb(_ verb: String, _ users: JSON = .null) throws -> JSON {
        let request: JSON = [
          "root": .string(root.string), "worker": "w", "repo_name": "web", "repo_path": .string(source.string),
          "users": users,
        ]
        let spawn = try fixture.confinement.spawn(
          for: .git(tenant), [BuiltProducts.looopFleet.string, "_sandbox", verb])
        let outcome = BoundedRun(spawn, input: Array(request.compact.utf8), deadline: 30).run()
        return try JSON(parsing: outcome.output)
      }
      let tree = FilePath(try #require(try verb("create")["path"]?.string))
      let pid = try fixture.start(.worker(tenant, id: "w"), "cd \(tree) && exec sleep 60")
      #expect(eventually { Files.linkTarget(FilePath("/proc/\(pid)/cwd")) == tree.string && command(pid) == "sleep" })
      func look() -> JSON { DirectoryUsers.look(below: root, depth: TreeUsers.depth, user: tenant.user.uid).json }
      let blind = try verb("remove")
      #expect(blind["outcome"] == "kept", "\(blind.compact)")
      #expect(blind["reason"]?.string?.contains("(sleep), which may not be looked at") == true, "\(blind.compact)")
      let told = try verb("remove", look())
      #expect(told["reason"] == .string("in use by process \(pid) (sleep)"), "\(told.compact)")
      try fixture.confinement.groups.kill(.worker("w", of: tenant.name))
      #expect(waitpid(pid, nil, 0) == pid)
      #expect(try verb("remove", look())["outcome"] == "removed")
    }

    private func command(_ pid: Int32) -> String? { Files.line(FilePath("/proc/\(pid)/comm")) }
  }
}
