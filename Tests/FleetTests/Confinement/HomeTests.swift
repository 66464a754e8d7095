import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  /// What a tenant may do in its user's home, and where tools that write there go instead.
  @Suite(
    .serialized, .timeLimit(.minutes(3)), .enabled(if: Confining.isPossible, Confining.reason),
    .enabled(if: LandlockSupport.abi >= LandlockSupport.leastABI, "needs a kernel with Landlock"), .confinement)
  struct HomeTests {
    private let fixture = ConfinementFixture.shared

    /// Prints WROTE for each that works.
    private static let planting = """
      cd "$HOME" && cat .profile
      for f in .bashrc .profile .ssh/authorized_keys .ssh/new .local/bin/git .config/autostart .looop-fleet/other new; do
        { mkdir -p "$(dirname "$f")" && echo x >>"$f"; } 2>/dev/null && echo "WROTE $f"
      done
      mv .profile .old 2>/dev/null && echo WROTE; rm -rf .ssh 2>/dev/null && echo WROTE; ln -s / link 2>/dev/null && echo WROTE
      echo x >"$TMPDIR/x" && echo x >"$CLAUDE_CONFIG_DIR/x" && echo x >"$XDG_CACHE_HOME/x" && echo x >"$LOOOP_DATA_DIR/x" && echo end
      """

    private func furnish(_ user: TenantUser) throws {
      let home = user.home!
      for folder in [".ssh", ".local/bin"] { try Directory.create(home.appending(FilePath(folder).components)) }
      for (file, text) in [".profile": "of the user\n", ".gitconfig": "[user]\nname = U\nemail = u@example.invalid\n"] {
        try AtomicFile.write(text, to: home.appending(file))
      }
      let given = try RunningProcess.run("/bin/chown", ["-R", "\(user.uid):\(user.gid)", home.string])
      #expect(given.exitCode == 0)
    }

    @Test func `the user's home can be read and not written, unless it is named writable`() throws {
      let tenant = try fixture.tenant("home", user: 0)
      try furnish(tenant.user)
      for work in [ConfinedWork.beat(tenant), .helper(tenant), .worker(tenant, id: "w")] {
        let said = try fixture.run(work, Self.planting)
        #expect(said.text == "of the user\nend\n", "\(said.complaint)")
      }
      let named = try fixture.tenant("home") { $0.writable = [$0.user.home!] }
      #expect(try fixture.run(.beat(named), Self.planting).text.contains("WROTE .ssh/authorized_keys"))
    }

    @Test func `git commits as the user's own configuration says`() throws {
      let tenant = try fixture.tenant("commits", user: 1)
      try furnish(tenant.user)
      let outcome = try fixture.run(
        .worker(tenant, id: "w"),
        """
        set -e; git init -q r; cd r; echo a >a; git add .; git commit -qm one; git log --format='%an %ae'; git gc -q
        git config --global user.name other 2>/dev/null || echo kept
        """)
      #expect(outcome.text == "U u@example.invalid\nkept\n", "\(outcome.complaint)")
    }

    @Test(
      arguments: [
        ("/usr/bin/npm", "npm cache add \"$(npm pack --silent ./p)\" && test -d \"$XDG_CACHE_HOME/npm/_cacache\""),
        ("/usr/bin/python3", "python3 -c 'import multiprocessing as m; m.Lock(); print(m.get_start_method())'"),
      ])
    func `tools that keep caches work`(_ tool: (program: String, script: String)) throws {
      guard Confining.has(tool.program) else { return }
      let tenant = try fixture.tenant("caches", user: 2)
      try furnish(tenant.user)
      let outcome = try fixture.run(
        .worker(tenant, id: "w"),
        "set -e; mkdir -p p; echo '{\"name\":\"p\",\"version\":\"1.0.0\"}' >p/package.json; \(tool.script)",
        deadline: 120)
      #expect(
        outcome.reason == .code(0), "\(tool.program): \(outcome.text.suffix(500))\(outcome.complaint.suffix(2000))")
    }
  }
}
