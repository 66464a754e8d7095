import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@Suite(.enabled(if: BuiltProducts.has("looop"), "needs the built looop"), .timeLimit(.minutes(3)))
struct SessionHolderTests {
  @Test func `a session runs under a terminal of its own`() throws {
    let fixture = try SessionFixture()
    let session = try fixture.start(
      "w", "tty -s && stty size; echo id=$BABYSIT_SESSION_ID; ps -o sid= -p $$; echo $$; sleep 600")
    #expect(session.isAlive)
    #expect(session.state == .running)
    #expect(session.identity?.isAlive == true)
    #expect(eventually { fixture.log("w").contains("24 80\r\nid=w\r\n") })
    let child = try #require(session.childPid)
    #expect(eventually { fixture.log("w").contains("\(child)\r\n") })
    let meta = try #require(StateFile.read(fixture.data.session("w").appending("meta.json")).value)
    #expect(meta["id"] == "w")
    #expect(meta["babysit_pid"]?.int == Int64(session.holder))
    #expect(meta["cmd"]?.array?.first == "bash")
    #expect(meta["started_at"]?.string?.hasSuffix("Z") == true)
  }

  @Test(arguments: [("true", Session.State.exited, 0 as Int64?), ("exit 7", .exited, 7), ("kill -9 $$", .killed, nil)])
  func `the end is recorded`(_ script: String, _ state: Session.State, _ code: Int64?) throws {
    let fixture = try SessionFixture()
    try fixture.start("w", script)
    #expect(try eventually { try fixture.session("w").state == state })
    #expect(try fixture.session("w").exitCode == code)
    #expect(try !fixture.session("w").isAlive)
    #expect(eventually { !fixture.scratch.exists("d/sessions/w/control.sock") })
  }

  @Test func `what a worker prints last is in its log`() throws {
    let fixture = try SessionFixture()
    try fixture.start("w", "seq 1 20000; echo the end")
    #expect(try eventually { try !fixture.session("w").isAlive })
    #expect(fixture.log("w").hasSuffix("20000\r\nthe end\r\n"))
  }

  @Test func `kill ends a worker that ignores the hangup, and all that came of it`() throws {
    let fixture = try SessionFixture()
    try fixture.start(
      "w",
      """
      trap '' HUP TERM
      (trap '' HUP; echo $BASHPID > \(fixture.place("child")); sleep 600) &
      (setsid bash -c 'trap "" HUP; echo $$ > \(fixture.place("daemon")); sleep 600' &)
      echo $$ > \(fixture.place("leader")); sleep 600
      """)
    let pids = try ["child", "daemon", "leader"].map(fixture.pid)
    #expect(pids.allSatisfy(lives))
    try SessionControl(fixture.data).kill("w")
    #expect(pids.filter(lives).isEmpty)
    #expect(try fixture.session("w").state == .killed)
    #expect(throws: Refusal.self) { try SessionControl(fixture.data).kill("w") }
  }

  @Test func `what a worker leaves behind ends with it`() throws {
    let fixture = try SessionFixture()
    try fixture.start(
      "w", "(trap '' HUP; echo $BASHPID > \(fixture.place("left")); sleep 600) & sleep 0.2; exit 0")
    let left = try fixture.pid("left")
    #expect(try eventually { try fixture.session("w").state == .exited })
    #expect(!lives(left))
  }

  @Test func `a session that a worker starts has a life of its own`() throws {
    let fixture = try SessionFixture()
    try fixture.start(
      "outer", "\"$LOOOP_BIN\" worker start inner 'sleep 600' --command 'bash {{prompt_file}}'; sleep 600")
    #expect(eventually { Sessions.isAlive("inner", in: fixture.data) })
    try SessionControl(fixture.data).kill("outer")
    #expect(Sessions.isAlive("inner", in: fixture.data))
    let child = try #require(try fixture.session("inner").childPid)
    #expect(lives(child))
  }

  @Test func `the starter's pipes are not held open`() throws {
    let fixture = try SessionFixture()
    let started = HostClock.system.monotonic()
    let run = try RunningProcess.shell(
      "exec 7>&1; out=$(\(BuiltProducts.looop) worker start w 'sleep 600' --command 'bash {{prompt_file}}' 2>&1); echo \"[$out]\"",
      environment: ["LOOOP_DATA_DIR": fixture.data.root.string], within: 20)
    #expect(run.exitCode == 0, "\(run.output) \(run.errors)")
    #expect(HostClock.system.monotonic() - started < 15)
    #expect(Sessions.isAlive("w", in: fixture.data))
    let holder = try fixture.session("w").holder
    let descriptors = try Directory.names(FilePath("/proc/\(holder)/fd")).compactMap { Int($0) }
    // stdin, stdout, stderr, the socket, the signals, the terminal, the log.
    #expect(descriptors.count <= 8)
    var target = [CChar](repeating: 0, count: 256)
    for number in 0...2 {
      let count = readlink("/proc/\(holder)/fd/\(number)", &target, 255)
      #expect(String(decoding: target.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self) == "/dev/null")
    }
  }

  @Test func `it is nobody's child and nobody's zombie`() throws {
    let fixture = try SessionFixture()
    let session = try fixture.start("w", "sleep 600")
    let holder = session.holder
    var status: CInt = 0
    #expect(waitpid(holder, &status, WNOHANG) == -1)
    #expect(getsid(holder) != getsid(0))
    kill(holder, SIGKILL)
    #expect(try eventually { try !fixture.session("w").isAlive })
    #expect(try fixture.session("w").state == .running)
  }

  @Test func `after the holder's death its worker is found and ended`() throws {
    let fixture = try SessionFixture()
    let session = try fixture.start(
      "w", "trap '' HUP; (trap '' HUP; echo $BASHPID > \(fixture.place("child")); sleep 600) & sleep 600; sleep 600")
    let child = try fixture.pid("child")
    kill(session.holder, SIGKILL)
    #expect(try eventually { try !fixture.session("w").isAlive })
    #expect(lives(child))
    #expect(
      Reaper(fixture.data, ttlSeconds: 0).run(try Sessions.list(fixture.data), now: HostClock.system.now) == ["w"])
    #expect(eventually { !lives(child) })
    #expect(Sessions.find("w", in: fixture.data) == nil)
  }

  @Test func `SIGTERM to the holder ends the session in order`() throws {
    let fixture = try SessionFixture()
    let session = try fixture.start("w", "sleep 600")
    kill(session.holder, SIGTERM)
    #expect(try eventually { try fixture.session("w").state == .killed })
  }

  @Test func `an id that exists is refused, and of two racers one wins`() throws {
    let fixture = try SessionFixture()
    let results = Locked<[Bool]>([])
    race(6) { _ in
      let started = (try? fixture.start("w", "sleep 600")) != nil
      results.withLock { $0.append(started) }
    }
    #expect(results.withLock { $0.filter { $0 }.count } == 1)
    #expect(throws: Refusal.self) { try fixture.start("w", "true") }
    // What the losers staged is gone.
    let leftovers = try #require(opendirNames(fixture.data.sessions))
    #expect(leftovers == ["w"])
  }

  @Test func `a path too long for a socket is refused with a hint`() throws {
    let scratch = try ScratchDirectory()
    let data = DataDir(scratch.appending(String(repeating: "long-directory-name/", count: 6) + "d"))
    try Directory.create(data.root)
    let start = SessionStart(data, binary: BuiltProducts.looop, environment: RunningProcess.environment([:]))
    let refusal = #expect(throws: Refusal.self) { try start.start("w", command: ["true"]) }
    #expect(refusal?.hint?.contains("LOOOP_DATA_DIR") == true)
    #expect(!Directory.exists(data.session("w")))
  }

  @Test(arguments: [("no such program", "no-such-program-here"), ("no binary", "bash")])
  func `a start that fails says so and leaves nothing`(_ name: String, _ program: String) throws {
    let fixture = try SessionFixture()
    let binary = name == "no binary" ? FilePath("/nonexistent/looop") : BuiltProducts.looop
    let start = SessionStart(fixture.data, binary: binary, environment: fixture.environment)
    #expect(throws: Refusal.self) { try start.start("w", command: [program]) }
    #expect(opendirNames(fixture.data.sessions) == [])
  }

  @Test func `the socket answers in one line`() throws {
    let fixture = try SessionFixture()
    try fixture.start("w", "printf 'hello \\033[31mred'; sleep 600")
    let control = SessionControl(fixture.data)
    #expect(try eventually { try control.request("screenshot", "w")["screen"] == "hello red" })
    #expect(try control.request("status", "w")["state"] == "running")
    #expect(try control.request("log", "w")["log"]?.string?.hasPrefix("hello") == true)
    #expect(try control.request("screenshot", "w", ["format": "json"])["format"] == "json")
    let refusal = #expect(throws: Refusal.self) { try control.request("dance", "w") }
    #expect(refusal?.cause.contains("dance") == true)
  }

  @Test func `a program that asks its terminal is answered`() throws {
    let fixture = try SessionFixture()
    try fixture.start(
      "w",
      #"stty raw -echo; printf 'ab\033[6n'; IFS= read -r -d R answer; stty sane; printf '%q\n' "$answer"; sleep 600"#)
    #expect(eventually { fixture.log("w").contains("[1;3") }, "\(fixture.log("w"))")
  }

  @Test func `a log that is full rotates, and replays to the same screen`() throws {
    let fixture = try SessionFixture()
    try fixture.start(
      "w",
      #"printf '\033[?1049h\033[2;10r\033[5;1Hfull screen\033[32m'; yes 'padding padding padding padding' | head -c 9000000; printf '\033[12;3Hlast\033[1;1H'; sleep 600"#
    )
    #expect(eventually(within: 120) { fixture.scratch.exists("d/sessions/w/output.log.1") })
    #expect(eventually(within: 60) { fixture.log("w").hasSuffix("\u{1B}[12;3Hlast\u{1B}[1;1H") })
    let replayed = try SessionReplay.screenshot("w", in: fixture.data, .ansi)
    let live = try SessionControl(fixture.data).request("screenshot", "w", ["format": "ansi"])["screen"]?.string
    #expect(replayed == live)
    #expect(replayed.contains("last"))
    #expect(try SessionReplay.terminal("w", in: fixture.data).isAlternate)
  }

  @Test func `time limits end a session`() throws {
    let fixture = try SessionFixture()
    for (id, flag) in [("t", "--timeout"), ("i", "--idle-timeout")] {
      _ = try RunningProcess(
        BuiltProducts.looop,
        ["run", "--detached-id", id, "--root", fixture.data.root.string, flag, "0.3", "--", "sleep", "600"]
      ).wait(within: 20)
      #expect(try fixture.session(id).state == .killed)
    }
  }

  @Test func `without a terminal there is a pipe`() throws {
    let fixture = try SessionFixture()
    _ = try RunningProcess(
      BuiltProducts.looop,
      [
        "run", "--detached-id", "w", "--root", fixture.data.root.string, "--no-tty", "--unknown", "x", "--", "bash",
        "-c",
        "tty; exit 4",
      ]
    ).wait(within: 20)
    #expect(try fixture.session("w").exitCode == 4)
    #expect(fixture.log("w") == "not a tty\n")
  }

  @Test(.enabled(if: access("/usr/bin/less", X_OK) == 0, "needs less"))
  func `a screenshot of a full-screen program`() throws {
    let fixture = try SessionFixture()
    try fixture.scratch.write((1...100).map { "line number \($0)\n" }.joined(), to: "text")
    try fixture.start("w", "LESS= less \(fixture.place("text"))")
    #expect(
      try eventually { try SessionReplay.screenshot("w", in: fixture.data).split(separator: "\n").count == 24 })
    let lines = try SessionReplay.screenshot("w", in: fixture.data).split(separator: "\n")
    #expect(lines[0] == "line number 1")
    #expect(lines[22] == "line number 23")
    #expect(try SessionReplay.terminal("w", in: fixture.data).isAlternate)
    try SessionControl(fixture.data).kill("w")
    #expect(try SessionReplay.screenshot("w", in: fixture.data).hasPrefix("line number 1"))
  }

  @Test func `it is small and does not grow`() throws {
    let fixture = try SessionFixture()
    let session = try fixture.start(
      "w", "yes 'some line of text, some line of text' | head -c 12000000; echo; echo finished; sleep 600")
    // Once it has touched what it uses: growth is what comes after.
    #expect(eventually(within: 60) { fixture.log("w").utf8.count > 1_000_000 })
    let before = try privateMemory(session.holder)
    #expect(eventually(within: 150) { fixture.log("w").hasSuffix("finished\r\n") })
    let after = try privateMemory(session.holder)
    #expect(after - before < 1024, "from \(before) to \(after) KiB")
    #expect(after < 4096)
  }

  /// All that it touched to start and to draw is given back while it does nothing; what it wrote to is not harmed.
  @Test func `it gives the program's pages back once it rests`() throws {
    let fixture = try SessionFixture()
    let session = try fixture.start("w", "printf 'a\\033[2;2Hb'; sleep 600")
    #expect(eventually { fixture.log("w").hasSuffix("b") })
    let control = SessionControl(fixture.data)
    #expect(
      try eventually(within: 30) {
        _ = try control.request("screenshot", "w")
        let busy = try memory(session.holder, "Rss")
        return try eventually(within: 5) { try memory(session.holder, "Rss") < busy }
      })
    #expect(try SessionReplay.screenshot("w", in: fixture.data) == "a\n b")
  }

  private func privateMemory(_ pid: Int32) throws -> Int { try memory(pid, "Private_Dirty") }

  private func memory(_ pid: Int32, _ kind: String) throws -> Int {
    let text = try #require(FileReading.of(FilePath("/proc/\(pid)/smaps_rollup"), maximumBytes: 65536).text)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("\(kind):") })
    return try #require(Int(line.filter(\.isNumber)))
  }
}

/// Runs the body on many threads at once.
func race(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  var threads = [pthread_t](repeating: 0, count: count)
  final class Job {
    let index: Int
    let body: @Sendable (Int) -> Void
    init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) {
      self.index = index
      self.body = body
    }
  }
  for index in 0..<count {
    let job = Unmanaged.passRetained(Job(index, body)).toOpaque()
    pthread_create(
      &threads[index], nil,
      { pointer in
        let job = Unmanaged<Job>.fromOpaque(pointer!).takeRetainedValue()
        job.body(job.index)
        return nil
      }, job)
  }
  for thread in threads { pthread_join(thread, nil) }
}

/// All names of a directory but `.` and `..`, dotted ones too.
func opendirNames(_ path: FilePath) -> [String]? {
  guard let handle = opendir(path.string) else { return nil }
  defer { closedir(handle) }
  var names: [String] = []
  while let entry = readdir(handle) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}
