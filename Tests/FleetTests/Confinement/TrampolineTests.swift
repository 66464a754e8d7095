import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  /// What a confined process is, as it sees itself.
  @Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: Confining.isPossible, Confining.reason), .confinement)
  struct TrampolineTests {
    private let fixture = ConfinementFixture.shared

    @Test func `a beat is the tenant, its groups, its limits, and nothing of ours`() throws {
      let tenant = try fixture.tenant("self")
      let outcome = try fixture.run(
        .beat(tenant),
        "cat /proc/self/status; umask; ulimit -Hc; ulimit -Sn; cat /proc/self/oom_score_adj; pwd; cat /proc/self/cgroup"
      )
      let lines = outcome.text.split(separator: "\n").map(String.init)
      func field(_ name: String) -> [String] {
        lines.first { $0.hasPrefix("\(name):") }?.split(whereSeparator: \.isWhitespace).dropFirst().map(String.init)
          ?? []
      }
      let uid = [String](repeating: String(tenant.user.uid), count: 4)
      let gid = [String](repeating: String(tenant.user.gid), count: 4)
      #expect(outcome.reason == .code(0), "\(outcome.complaint)")
      #expect(field("Uid") == uid && field("Gid") == gid)
      #expect(field("Groups") == [String(tenant.user.gid)])
      #expect(field("NoNewPrivs") == ["1"])
      for kind in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(field(kind) == ["0000000000000000"]) }
      #expect(
        lines.suffix(from: lines.firstIndex(of: "0077")!).prefix(5) == [
          "0077", "0", "4096", "300", tenant.dataDirectory.string,
        ])
      let group = "/\(fixture.confinement.options.controlGroup)/t-self/beats"
      #expect(lines.contains("0::\(group)"))
      if fixture.confinement.groups.offer.memory == .v1 { #expect(lines.contains { $0.hasSuffix(":memory:\(group)") }) }
    }

    @Test func `the environment holds what the policy says, and no secret of the supervisor`() throws {
      let tenant = try fixture.tenant("env")
      try fixture.confinement.prepare(worker: "w", of: tenant)
      let cat = try fixture.confinement.spawn(for: .worker(tenant, id: "w"), ["/bin/cat", "/proc/self/environ"])
      let outcome = BoundedRun(cat, deadline: 10).run()
      let names = Set(outcome.text.split(separator: "\0").map { String($0.prefix { $0 != "=" }) })
      let wanted = Set(fixture.confinement.environment(for: .worker(tenant, id: "w")).values.keys)
      #expect(names == wanted)
      #expect(!outcome.text.contains("supervisor"))
      #expect(outcome.text.contains("TENANT_KEY=key-of-env"))
    }

    @Test func `no descriptor of the supervisor is left open, not even one that it forgot to close`() throws {
      let tenant = try fixture.tenant("fds")
      // Without close-on-exec, as a library might.
      let leaked = open("/etc/shadow", O_RDONLY)
      defer { close(leaked) }
      #expect(leaked > 2)
      // 255 is bash's own; the last one is the listing's.
      let outcome = try fixture.run(.beat(tenant), "ls -l /proc/self/fd; true")
      #expect(!outcome.text.contains("shadow") && !outcome.text.contains(" \(leaked) ->"))
      #expect(outcome.text.split(separator: "\n").filter { $0.contains(" -> ") }.count == 4)
    }

    @Test func `its directories are there, closed to others, and its own`() throws {
      let tenant = try fixture.tenant("dirs")
      let outcome = try fixture.run(
        .helper(tenant),
        "for d in \"$HOME\" \"$TMPDIR\" \"$CLAUDE_CONFIG_DIR\" \"$CODEX_HOME\" \"$XDG_DATA_HOME\"; do stat -c '%U %a' \"$d\"; done; touch \"$TMPDIR/x\"; stat -c %a \"$TMPDIR/x\"; mktemp"
      )
      let lines = outcome.text.split(separator: "\n").map(String.init)
      #expect(lines.prefix(5) == [String](repeating: "\(tenant.user.name) 700", count: 5)[...])
      #expect(lines[5] == "600")
      #expect(lines[6].hasPrefix(tenant.temporaryDirectory.string + "/"))
    }

    @Test func `a set-user-id program gives nothing`() throws {
      let tenant = try fixture.tenant("suid")
      let planted = fixture.scratch.appending("id")
      let made = try RunningProcess.shell("cp /usr/bin/id \(planted) && chmod 4755 \(planted)")
      #expect(made.exitCode == 0)
      var spec = fixture.confinement.spec(for: .helper(tenant))
      spec.landlock = nil
      var spawn = try fixture.confinement.spawn(for: .helper(tenant), [planted.string, "-u"])
      spawn.arguments[2] = spec.json.compact
      #expect(BoundedRun(spawn, deadline: 10).run().text == "\(tenant.user.uid)\n")
    }

    struct Flaw: Sendable, CustomTestStringConvertible {
      var testDescription: String
      var words: String
      var change: @Sendable (inout ConfineSpec) -> Void
    }

    static let flaws = [
      Flaw(testDescription: "group", words: "join the control group") {
        $0.controlGroups = ["/sys/fs/cgroup/nowhere/cgroup.procs"]
      },
      Flaw(testDescription: "no group file", words: "not in a control group file system") {
        $0.controlGroups = ["/etc/passwd"]
      },
      Flaw(testDescription: "directory", words: "work in /root") { $0.directory = "/root" },
      Flaw(testDescription: "make", words: "create directory /root/x") { $0.make = ["/root/x"] },
      Flaw(testDescription: "landlock", words: "allow /nowhere") {
        $0.landlock = .init(rules: [.init("/nowhere", .read, required: true)], scopedSockets: false)
      },
      Flaw(testDescription: "parent", words: "has ended") { $0.expectedParent = 1 },
    ]

    @Test(arguments: flaws) func `a step that fails ends it with 125 and one line, and nothing is run`(
      _ flaw: Flaw
    ) throws {
      let tenant = try fixture.tenant("flaw")
      var spec = fixture.confinement.spec(for: .helper(tenant))
      flaw.change(&spec)
      var spawn = try fixture.confinement.spawn(for: .helper(tenant), ["/bin/sh", "-c", "echo ran; echo ran >&2"])
      spawn.arguments[2] = spec.json.compact
      let outcome = BoundedRun(spawn, deadline: 10).run()
      #expect(outcome.reason == .code(125))
      #expect(outcome.text.isEmpty)
      #expect(outcome.complaint.hasPrefix("looop: confine: cannot ") && outcome.complaint.contains(flaw.words))
      #expect(outcome.complaint.split(separator: "\n").count == 1)
    }

    @Test func `the spec does not stand in the process list`() throws {
      let tenant = try fixture.tenant("list")
      let pid = try fixture.start(.helper(tenant), "exec sleep 60")
      defer { reap(pid) }
      // The trampoline's own memory is overwritten before it becomes the program, so at no moment after that.
      #expect(
        eventually {
          FileReading.of(FilePath("/proc/\(pid)/cmdline"), maximumBytes: 65536).text?.split(separator: "\0") == [
            "sleep", "60",
          ]
        })
    }

    @Test func `without root it confines what it can`() throws {
      let tenant = try fixture.tenant("plain")
      // A plain user's supervisor: the trampoline is started by a process that is that user already.
      var inner = ConfineSpec()
      inner.umask = 0o077
      inner.noNewPrivileges = true
      inner.landlock = .init(
        rules: [
          .init("/usr", .read), .init("/bin", .read), .init("/lib", .read), .init("/lib64", .read),
          .init("/proc", .modify),
        ],
        scopedSockets: true)
      let copy = fixture.scratch.appending("looop")
      #expect(try RunningProcess.shell("cp \(BuiltProducts.looop) \(copy); chmod 755 \(copy)").exitCode == 0)
      var spec = fixture.confinement.spec(for: .helper(tenant))
      spec.landlock = nil
      var spawn = try fixture.confinement.spawn(
        for: .helper(tenant),
        [
          "/usr/bin/env", copy.string, "_", "confine", inner.json.compact, "--", "/bin/bash", "-c",
          "umask; ls / >/dev/null 2>&1 || echo hidden",
        ])
      spawn.arguments[2] = spec.json.compact
      let outcome = BoundedRun(spawn, deadline: 10).run()
      #expect(outcome.text == "0077\nhidden\n", "\(outcome.complaint)")
    }

    @Test func `a plain user cannot become somebody else`() throws {
      let tenant = try fixture.tenant("nope")
      var inner = ConfineSpec()
      inner.identity = .init(uid: 0, gid: 0, groups: [])
      let copy = fixture.scratch.appending("looop")
      #expect(try RunningProcess.shell("cp \(BuiltProducts.looop) \(copy); chmod 755 \(copy)").exitCode == 0)
      var spec = fixture.confinement.spec(for: .helper(tenant))
      spec.landlock = nil
      var spawn = try fixture.confinement.spawn(
        for: .helper(tenant),
        ["/usr/bin/env", copy.string, "_", "confine", inner.json.compact, "--", "/usr/bin/id", "-u"])
      spawn.arguments[2] = spec.json.compact
      let outcome = BoundedRun(spawn, deadline: 10).run()
      #expect(
        outcome.reason == .code(125) && outcome.complaint.contains("cannot become user 0: operation not permitted"))
    }
  }
}

/// Ends a child that the test started, and only that.
func reap(_ pid: Int32) {
  kill(pid, SIGKILL)
  var status: CInt = 0
  waitpid(pid, &status, 0)
}
