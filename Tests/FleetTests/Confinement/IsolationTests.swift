import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  /// What tenant A does to tenant B and to the supervisor: every attack runs as a confined worker of A, and must come to nothing. What
  /// it must not reach is really there. ``FleetAttackTests`` plays the same table, and more, against a running fleet.
  @Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: Confining.isPossible, Confining.reason), .confinement)
  struct IsolationTests {
    private let fixture = ConfinementFixture.shared

    @Test func `every attack of a tenant on another and on the fleet is denied, with Landlock and without`() throws {
      let a = try fixture.tenant("a", user: 0)
      let b = try fixture.tenant("b", user: 1)
      _ = try fixture.tenant("c", user: 2)
      _ = try fixture.tenant("d", user: 3)
      let secret = try fixture.scratch.write("world-readable\n", to: "open-secret", mode: 0o644)
      _ = try AtomicFile.write("ledger", to: fixture.state.appending("ledger.sqlite"), mode: 0o600)
      let supervisor = try RunningProcess("/bin/sleep", ["300"], environment: ["FLEET_SECRET": "supervisor-secret"])
      let victim = try fixture.start(
        .worker(b, id: "victim"),
        """
        echo secret-of-b >secret; echo login >"$CLAUDE_CONFIG_DIR/credentials"; touch "$LOOOP_DATA_DIR/../x" 2>/dev/null
        exec /usr/bin/python3 -c 'import socket,os,time
        s=socket.socket(socket.AF_UNIX); s.bind("\\0looop-b-"+str(os.getuid())); s.listen(1)
        open("up","w").close(); time.sleep(300)'
        """)
      defer { reap(victim) }
      #expect(eventually(within: 20) { FileReading.of(b.dataDirectory.appending("up")) != .absent })

      let places = [
        "B_DATA": b.dataDirectory.string, "B_HOME": b.user.home!.string, "B_TMP": b.temporaryDirectory.string,
        "B_PID": String(victim), "B_UID": String(b.user.uid), "FLEET": fixture.state.string, "SECRET": secret.string,
        "FLEET_PID": String(supervisor.pid),
      ]
      let hasLandlock = fixture.confinement.policy.offer.landlockABI >= LandlockSupport.scopeABI
      for landlock in [LandlockChoice.automatic, .off] {
        var attacker = a
        attacker.environment = places
        attacker.landlock = landlock
        for attack in TenantAttack.all where !attack.needsLandlock || (landlock == .automatic && hasLandlock) {
          let outcome = try fixture.run(.worker(attacker, id: "evil"), attack.script)
          #expect(
            !outcome.text.contains("GOT") && outcome.reason != .code(125),
            "\(attack.name) (landlock \(landlock)): \(outcome.text)\(outcome.complaint)")
        }
      }
      // The other side of the test: these do come through where they may, so it is the guards that stop them above.
      var itself = b
      itself.environment = places
      itself.landlock = .off
      let harmless = [
        "reads B's secret in its data dir", "lists B's data dir", "reads B's runner home", "reads B's environment",
        "signals B", "lists B's descriptors", "lists the shared temporary directory",
        "reads a world-readable file that is not its own", "connects to an abstract socket of B's",
      ]
      for attack in TenantAttack.all where harmless.contains(attack.name) {
        let outcome = try fixture.run(.worker(itself, id: "same"), attack.script)
        #expect(outcome.text.contains("GOT"), "\(attack.name): \(outcome.complaint)")
      }
      #expect(ProcessIdentity.of(victim) != nil && supervisor.isRunning)
      #expect(FileReading.of(b.dataDirectory.appending("secret")).text == "secret-of-b\n")
      #expect(TenantAttack.all.count >= 30)
    }

    @Test func `traps in its own data dir do not hold up whoever prepares or starts the tenant`() throws {
      let tenant = try fixture.tenant("trap")
      _ = try fixture.run(
        .beat(tenant),
        """
        mkfifo pipe; ln -s /dev/zero zero; ln -s loop loop; truncate -s 1T huge
        p=deep; for i in $(seq 200); do p=$p/d; done; mkdir -p $p
        rm -rf "$TMPDIR"; mkfifo "$CODEX_HOME/config.toml"
        """)
      let started = HostClock.system.monotonic()
      try fixture.confinement.prepare(tenant)
      #expect(try fixture.run(.beat(tenant), "test -d \"$TMPDIR\" && echo fine").text == "fine\n")
      #expect(HostClock.system.monotonic() - started < 3)
    }

    @Test(.enabled(if: LandlockSupport.abi >= LandlockSupport.leastABI, "needs a kernel with Landlock"))
    func `what is named readable can be read and not written, its neighbours not even that`() throws {
      for name in ["tools", "others"] {
        try fixture.scratch.write("of \(name)\n", to: "\(name)/file", mode: 0o644)
        for place in [name, "\(name)/file"] { chmod(fixture.scratch.appending(place).string, 0o777) }
      }
      let (tools, others) = (fixture.scratch.appending("tools"), fixture.scratch.appending("others"))
      let tenant = try fixture.tenant("readable") {
        $0.readable = [tools]
        $0.landlock = .on
      }
      let script = """
        cat '\(tools)/file'; echo x >>'\(tools)/file' && echo WROTE; touch '\(tools)/new' && echo WROTE
        cat '\(others)/file' && echo READ; ls '\(others)' && echo READ; echo x >>'\(others)/file' && echo WROTE; echo end
        """
      for work in [ConfinedWork.beat(tenant), .helper(tenant), .worker(tenant, id: "w"), .git(tenant)] {
        #expect(try fixture.run(work, script).text == "of tools\nend\n")
      }
      // Without Landlock the permissions would let all of it through: so it is Landlock that holds.
      let open = try fixture.tenant("unreadable") { $0.landlock = .off }
      #expect(try fixture.run(.beat(open), script).text.contains("WROTE"))
    }

    @Test func `a link in place of a tenant's directory leads only the tenant astray`() throws {
      // With Landlock it cannot put one there at all.
      let tenant = try fixture.tenant("link") { $0.landlock = .off }
      // The runner home becomes a link to another tenant's directory: what is made there is refused, and no root follows.
      let other = try fixture.tenant("linked", user: 1)
      _ = try fixture.run(.beat(tenant), "true")
      let swapped = try fixture.run(
        .beat(tenant),
        "mv \"$HOME/.looop-fleet\" \"$HOME/old\" && ln -s \(other.dataDirectory) \"$HOME/.looop-fleet\" && echo swapped"
      )
      #expect(swapped.text == "swapped\n")
      let outcome = try fixture.run(.beat(tenant), "true")
      #expect(outcome.reason == .code(125))
      #expect(outcome.complaint.contains("permission denied"))
      #expect(try Directory.names(other.dataDirectory).isEmpty)
      // The other tenant is as well as before.
      #expect(try fixture.run(.beat(other), "echo fine").text == "fine\n")
    }

    @Test(
      .enabled(if: LandlockSupport.abi >= LandlockSupport.leastABI, "needs a kernel with Landlock"),
      arguments: ["repository", "data", "home"])
    func `a link that the tenant put on the way to its own place lifts no guard`(_ place: String) throws {
      let secret = try fixture.scratch.write("world-readable\n", to: "secret-of-all", mode: 0o644)
      // As in an account that is somebody's own: its work lies below its home.
      let user = fixture.users[2]
      let home = user.home!.appending("lifted-\(place)")
      try Directory.create(home.appending("src"), mode: 0o700)
      for made in [home, home.appending("src")] { chown(made.string, user.uid, user.gid) }
      var tenant = try fixture.tenant("lift-\(place)", user: 2) {
        switch place {
        case "repository": $0.repositories = [home.appending("src")]
        case "data": $0.dataDirectory = home.appending("src")
        default: $0.runnerHome = home.appending("src")
        }
      }
      #expect(try fixture.run(.beat(tenant), "cat '\(secret)'; echo ran").text == "ran\n")
      try fixture.putLink(in: home, of: tenant, isHome: place == "home")
      for work in [ConfinedWork.beat(tenant), .worker(tenant, id: "w"), .git(tenant)] {
        let outcome = try fixture.run(work, "cat '\(secret)'; echo ran")
        #expect(outcome.reason == .code(125) && outcome.text.isEmpty, "\(outcome.text)")
        #expect(outcome.complaint.contains("a link is on the way to it"), "\(outcome.complaint)")
      }
      // A place of its own in the old one's stead is its right.
      _ = try RunningProcess.shell("cd '\(home)' && rm src && mv src.old src")
      #expect(try fixture.run(.beat(tenant), "echo ran").text == "ran\n")
      tenant.landlock = .off
      #expect(try fixture.run(.beat(tenant), "cat '\(secret)'").text == "world-readable\n")
    }

    @Test(.enabled(if: LandlockSupport.abi >= LandlockSupport.leastABI, "needs a kernel with Landlock"))
    func `a link that root alone could make is followed`() throws {
      let real = fixture.scratch.appending("disk/b")
      try Directory.create(real)
      chown(real.string, fixture.users[3].uid, fixture.users[3].gid)
      let (near, far) = (fixture.scratch.appending("near"), fixture.scratch.appending("far"))
      #expect(symlink("disk/../disk", near.string) == 0 && symlink(near.string, far.string) == 0)
      let tenant = try fixture.tenant("linked-by-root", user: 3) { $0.repositories = [far.appending("b")] }
      let outcome = try fixture.run(.beat(tenant), "echo x >'\(far)/b/file' && echo wrote")
      #expect(outcome.text == "wrote\n", "\(outcome.complaint)")
    }
  }
}
