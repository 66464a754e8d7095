import Fleet
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import SystemPackage
import Tenant
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct NotifierTests {
  let ask = InMemoryFleet.ask("web", "a-1", at: 1_799_999_990)

  @Test func `a command gets the ask as JSON and nothing of the supervisor's environment`() async throws {
    let scratch = try ScratchDirectory()
    let script = try scratch.write(
      """
      #!/bin/bash
      cat > "$1/got.json"
      env > "$1/env"
      """, to: "hook", mode: 0o755)
    let channel = NoticeChannel.command(
      [script.string, scratch.path.string],
      environment: HostEnvironment(["PATH": "/usr/bin:/bin", "SECRET_TOKEN": "canary"]))
    #expect(await channel.deliver(Notice(ask: ask, number: 1)) == nil)
    let got = try #require(scratch.json("got.json"))
    #expect(got["id"] == "web/a-1")
    #expect(got["event"] == "reminder")
    #expect(got["key"] == "web/a-1@1799999990#1")
    let environment = scratch.read("env") ?? ""
    #expect(environment.contains("LOOOP_ASK=web/a-1\n") && !environment.contains("canary"))
  }

  @Test func `a command that fails says why`() async throws {
    let scratch = try ScratchDirectory()
    let script = try scratch.write("#!/bin/bash\necho 'no network' >&2\nexit 3\n", to: "hook", mode: 0o755)
    let failure = await NoticeChannel.command([script.string], environment: .current()).deliver(
      Notice(ask: ask, number: 0))
    #expect(failure?.contains("exited with 3: no network") == true)
    let absent = await NoticeChannel.command(["/no/such/program"], environment: .current()).deliver(
      Notice(ask: ask, number: 0))
    #expect(absent != nil)
  }

  @Test func `a webhook gets the ask, and only a 2xx counts`() async throws {
    let received = Locked<[JSON]>([])
    let status = Locked(HTTPResponse.Status.internalServerError)
    let router = Router()
    router.post("hook") { request, _ in
      let body = try await request.body.collect(upTo: 1 << 20)
      let json = try JSON(parsing: Array(body.readableBytesView))
      received.withLock { $0.append(json) }
      return Response(status: status.withLock { $0 })
    }
    let ask = ask
    try await Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0))).test(.live) {
      client in
      let channel = NoticeChannel.webhook("http://127.0.0.1:\(client.port ?? 0)/hook")
      #expect(await channel.deliver(Notice(ask: ask, number: 0)) == "the webhook answered with 500")
      status.withLock { $0 = .accepted }
      #expect(await channel.deliver(Notice(ask: ask, number: 0)) == nil)
    }
    #expect(received.withLock { $0.map { $0["id"]?.string } } == ["web/a-1", "web/a-1"])
    #expect(await NoticeChannel.webhook("http://127.0.0.1:1/x").deliver(Notice(ask: ask, number: 0)) != nil)
  }

  @Test func `a webhook that hangs, sends elsewhere or breaks off has not taken the ask`() async throws {
    let taken = Locked(0)
    let isOver = Locked(false)
    let router = Router()
    router.post("hang") { _, _ in
      // Longer than anybody waits here.
      while !isOver.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(20)) }
      return Response(status: .ok)
    }
    router.post("moved") { _, _ in Response(status: .found, headers: [.location: "/login"]) }
    router.get("login") { _, _ in
      taken.withLock { $0 += 1 }
      return Response(status: .ok)
    }
    router.post("torn") { _, _ in
      Response(
        status: .ok, headers: [.contentLength: "1000"],
        body: ResponseBody { writer in
          try await writer.write(ByteBuffer(string: "half"))
          throw CancellationError()
        })
    }
    router.post("chatty") { _, _ in
      Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(repeating: 0x20, count: 1 << 20)))
    }
    let notice = Notice(ask: ask, number: 0)
    try await Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0))).test(.live) {
      client in
      func deliver(_ path: String) async -> String? {
        await NoticeChannel.webhook("http://127.0.0.1:\(client.port ?? 0)/\(path)", patience: 0.5).deliver(notice)
      }
      #expect(await deliver("hang") == "the webhook did not answer within 1 s")
      isOver.withLock { $0 = true }
      #expect(await deliver("moved") == "the webhook answered with 302")
      #expect(await deliver("torn")?.contains("the webhook") == true)
      #expect(await deliver("chatty") == nil, "it took it, and said more than anybody wants to know")
    }
    #expect(taken.withLock { $0 } == 0, "a login page that says 200 is no receiver")
  }

  @Test func `told at least once over restarts, and the count says what is not`() async throws {
    let scratch = try ScratchDirectory()
    let clock = FixedClock()
    let attempts = Locked<[String]>([])
    let works = Locked(false)
    let channel = NoticeChannel(name: "command") { notice in
      attempts.withLock { $0.append(notice.key) }
      return works.withLock { $0 } ? nil : "down"
    }
    func notifier() -> Notifier {
      Notifier(
        channels: [channel], schedule: DeliverySchedule(reminders: [3600]), file: scratch.appending("delivery.json"),
        clock: clock.clock)
    }
    let first = notifier()
    let failed = await first.pass([ask])
    #expect(failed == NotifierReport(undelivered: 1, lastError: "down", nextDue: clock.now + 5))
    #expect(await first.pass([ask]).undelivered == 1)
    #expect(attempts.withLock { $0.count } == 1, "not before its time")
    clock.advance(by: 20)
    works.withLock { $0 = true }
    // The supervisor was killed and starts again.
    let second = notifier()
    #expect(await second.pass([ask]).undelivered == 0)
    #expect(await second.pass([ask]).nextDue == 1_799_999_990 + 3600)
    let third = notifier()
    await third.pass([ask])
    #expect(attempts.withLock { $0.count } == 2, "an acknowledged notice is not repeated after a restart")
    clock.advance(by: 4000)
    await third.pass([ask])
    #expect(attempts.withLock { $0.last } == "web/a-1@1799999990#1")
    #expect(await third.pass([]).undelivered == 0)
    #expect(scratch.json("delivery.json")?["channels"]?["command"] == [:])
  }

  @Test func `a corrupt file is kept aside, and every ask is told once more`() async throws {
    let scratch = try ScratchDirectory()
    try scratch.write("{ torn", to: "delivery.json")
    let count = Locked(0)
    let notifier = Notifier(
      channels: [
        NoticeChannel(name: "command") { _ in
          count.withLock { $0 += 1 }
          return nil
        }
      ], schedule: DeliverySchedule(), file: scratch.appending("delivery.json"), clock: FixedClock().clock)
    await notifier.pass([ask])
    #expect(count.withLock { $0 } == 1)
    #expect(scratch.exists("delivery.json.corrupt"))
  }
}
