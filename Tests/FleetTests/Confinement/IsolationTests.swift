import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  /// What tenant A does to tenant B and to the supervisor: every attack runs as a confined worker of A, and must come to nothing. An
  /// attack is a script that prints `GOT` when it got through; what it must not reach is really there.
  @Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: Confining.isPossible, Confining.reason), .confinement)
  struct IsolationTests {
    private let fixture = ConfinementFixture.shared

    struct Attack: Sendable, CustomTestStringConvertible {
      var testDescription: String
      /// May name `$B_DATA $B_HOME $B_TMP $B_PID $B_UID $FLEET $FLEET_PID $SECRET`.
      var script: String
      /// Without Landlock it must fail as well: Unix permissions alone are the guard on older kernels.
      var needsLandlock = false

      init(_ name: String, needsLandlock: Bool = false, _ script: String) {
        testDescription = name
        self.script = script
        self.needsLandlock = needsLandlock
      }
    }

    static let attacks = [
      Attack("reads B's secret in its data dir", #"grep -q . "$B_DATA/secret" && echo GOT"#),
      Attack("lists B's data dir", #"ls "$B_DATA" && echo GOT"#),
      Attack("lists B's home", #"ls "$B_HOME" && echo GOT"#),
      Attack("reads B's runner home", #"cat "$B_HOME"/.looop-fleet/*/claude/credentials && echo GOT"#),
      Attack("plants a file in B's runner home", #"echo x >"$B_HOME/.looop-fleet/b/claude/settings.json" && echo GOT"#),
      Attack(
        "writes an answer into B's mailbox",
        #"mkdir -p "$B_DATA/answers" && echo '{}' >"$B_DATA/answers/x.json" && echo GOT"#),
      Attack("renames B's data dir away", #"mv "$B_DATA" "$B_DATA.gone" && echo GOT"#),
      Attack("removes B's sandbox", #"rm -rf "$FLEET/sandboxes/b"/* && ls "$FLEET/sandboxes/b" && echo GOT"#),
      Attack("puts a link in B's TMPDIR", #"ln -s /etc/passwd "$B_TMP/x" && echo GOT"#),
      Attack("reads B's environment", #"cat /proc/$B_PID/environ | grep -q . && echo GOT"#),
      Attack("reads B's memory map", #"cat /proc/$B_PID/maps | grep -q . && echo GOT"#),
      Attack("opens B's memory", #"exec 5</proc/$B_PID/mem && echo GOT"#),
      Attack("follows B's working directory", #"ls /proc/$B_PID/cwd/ && echo GOT"#),
      Attack("lists B's descriptors", #"ls /proc/$B_PID/fd/ && echo GOT"#),
      Attack("reads B's root through /proc", #"ls /proc/$B_PID/root/ && echo GOT"#),
      Attack("reads the supervisor's environment", #"cat /proc/$FLEET_PID/environ | grep -q . && echo GOT"#),
      Attack("opens the supervisor's memory", #"exec 5</proc/$FLEET_PID/mem && echo GOT"#),
      Attack("lists the supervisor's descriptors", #"ls /proc/$FLEET_PID/fd/ && echo GOT"#),
      Attack("signals B", #"kill -0 $B_PID && echo GOT"#),
      Attack("kills all that B has", #"kill -9 -$B_PID && echo GOT"#),
      Attack("signals the supervisor", #"kill -0 $FLEET_PID && echo GOT"#),
      Attack("makes B a victim of the memory killer", #"echo 1000 >/proc/$B_PID/oom_score_adj && echo GOT"#),
      Attack("protects itself from the memory killer", #"echo -500 >/proc/self/oom_score_adj && echo GOT"#),
      Attack("takes B's niceness away", #"renice -n 19 -p $B_PID && echo GOT"#),
      Attack("reads the fleet's ledger", #"cat "$FLEET/ledger.sqlite" && echo GOT"#),
      Attack("edits the fleet's ledger", #"echo x >>"$FLEET/ledger.sqlite" && echo GOT"#),
      Attack("puts a file beside the ledger", #"touch "$FLEET/ledger.sqlite-wal" && echo GOT"#),
      Attack("lists the fleet's state", needsLandlock: true, #"ls "$FLEET" && echo GOT"#),
      Attack("reads the shadow file", #"cat /etc/shadow && echo GOT"#),
      Attack("reads a world-readable file that is not its own", needsLandlock: true, #"cat "$SECRET" && echo GOT"#),
      Attack("lists the shared temporary directory", needsLandlock: true, #"ls /tmp >/dev/null && echo GOT"#),
      Attack(
        "plants in the shared temporary directory", needsLandlock: true,
        #"touch /tmp/looop-planted-$$ && { rm -f /tmp/looop-planted-$$; echo GOT; }"#),
      Attack("reads the secret by a link in its own data dir", #"ln -s "$B_DATA/secret" link; cat link && echo GOT"#),
      Attack("hard-links the secret into its own data dir", #"ln "$B_DATA/secret" hard && echo GOT"#),
      Attack("hard-links the shadow file into its own data dir", #"ln /etc/shadow hard && echo GOT"#),
      Attack("makes a device in its own data dir", #"mknod disk b 8 0 && echo GOT"#),
      Attack("mounts", #"mount -t tmpfs none . && echo GOT"#),
      Attack("becomes root by sudo or su", #"(sudo -n id -u || su -c 'id -u') </dev/null | grep -qx 0 && echo GOT"#),
      Attack("gets rights from a user namespace", #"unshare -Ur sh -c 'cat /etc/shadow' && echo GOT"#),
      Attack(
        "loads code into the next trampoline by its own environment",
        #"[ -n "$LD_PRELOAD$BASH_ENV$LD_LIBRARY_PATH" ] && echo GOT"#),
      Attack("has a secret of the supervisor's", #"env | grep -q -e supervisor -e FLEET_SECRET -e sk- && echo GOT"#),
      Attack("raises its own limits", #"ulimit -Hn 1000000 && echo GOT"#),
      Attack(
        "removes its group's limit",
        #"for f in $(find /sys/fs/cgroup -path '*/t-a/*' \( -name memory.max -o -name pids.max -o -name 'memory.limit*' \) ); do echo max >$f && echo GOT; done; echo"#
      ),
      Attack("freezes B", #"echo 1 >$(find /sys/fs/cgroup -path '*/t-b/cgroup.freeze' | head -1) && echo GOT"#),
      Attack("kills B's group", #"echo 1 >$(find /sys/fs/cgroup -path '*/t-b/cgroup.kill' | head -1) && echo GOT"#),
      Attack(
        "traces B",
        #"/usr/bin/python3 -c 'import ctypes,os,sys; sys.exit(0 if ctypes.CDLL(None).ptrace(16, int(os.environ["B_PID"]), 0, 0) == 0 else 1)' && echo GOT"#
      ),
      Attack(
        "reads B by process_vm_readv",
        #"/usr/bin/python3 -c 'import ctypes,os,sys; c=ctypes.CDLL(None,use_errno=True); r=c.process_vm_readv(int(os.environ["B_PID"]),None,0,None,0,0); b=ctypes.create_string_buffer(8); I=type("I",(ctypes.Structure,),{"_fields_":[("b",ctypes.c_void_p),("n",ctypes.c_size_t)]}); l=I(ctypes.addressof(b),8); m=I(0x400000,8); r=c.process_vm_readv(int(os.environ["B_PID"]),ctypes.byref(l),1,ctypes.byref(m),1,0); sys.exit(0 if r>=0 or ctypes.get_errno()!=1 else 1)' && echo GOT"#
      ),
      Attack(
        "takes a descriptor of B's by pidfd",
        #"/usr/bin/python3 -c 'import ctypes,os,sys; p=os.pidfd_open(int(os.environ["B_PID"])); sys.exit(0 if ctypes.CDLL(None).syscall(438,p,0,0)>=0 else 1)' && echo GOT"#
      ),
      Attack(
        "connects to an abstract socket of B's", needsLandlock: true,
        #"/usr/bin/python3 -c 'import socket,os; s=socket.socket(socket.AF_UNIX); s.connect("\0looop-b-"+os.environ["B_UID"])' && echo GOT"#
      ),
    ]

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
      for landlock in [ConfinedTenant.LandlockChoice.automatic, .off] {
        var attacker = a
        attacker.environment = places
        attacker.landlock = landlock
        for attack in Self.attacks where !attack.needsLandlock || (landlock == .automatic && hasLandlock) {
          let outcome = try fixture.run(.worker(attacker, id: "evil"), attack.script)
          #expect(
            !outcome.text.contains("GOT") && outcome.reason != .code(125),
            "\(attack.testDescription) (landlock \(landlock)): \(outcome.text)\(outcome.complaint)")
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
      for attack in Self.attacks where harmless.contains(attack.testDescription) {
        let outcome = try fixture.run(.worker(itself, id: "same"), attack.script)
        #expect(outcome.text.contains("GOT"), "\(attack.testDescription): \(outcome.complaint)")
      }
      #expect(ProcessIdentity.of(victim) != nil && supervisor.isRunning)
      #expect(FileReading.of(b.dataDirectory.appending("secret")).text == "secret-of-b\n")
      #expect(Self.attacks.count >= 30)
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

    @Test func `a link in place of a tenant's directory leads only the tenant astray`() throws {
      let tenant = try fixture.tenant("link")
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
  }
}
