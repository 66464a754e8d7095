import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite(.timeLimit(.minutes(2))) struct WaitTests {
  typealias Rig = ControlRoutesTests.Rig

  @Test func `without a token a pending ask is news at once`() async throws {
    let fleet = InMemoryFleet(asks: [InMemoryFleet.ask("web", "a-1")])
    let answer = try await Rig(fleet: fleet).get("/v1/wait").json
    #expect(answer["changed"] == ["asks"])
    #expect(answer["asks"]?.array?.count == 1)
    #expect(answer["token"]?.string == "1000")
    #expect(Set(answer.object?.keys.sorted() ?? []) == ["asks", "changed", "token"])
  }

  @Test func `with its token the same ask does not make it spin`() async throws {
    let fleet = InMemoryFleet(asks: [InMemoryFleet.ask("web", "a-1")])
    let rig = Rig(fleet: fleet)
    let seen = try await rig.get("/v1/wait?after=1000&timeout_s=0").json
    #expect(seen["changed"] == [])
    async let next = rig.get("/v1/wait?after=1000")
    await fleet.arrive(InMemoryFleet.ask("api", "b-1"))
    let answer = try await next.json
    #expect(answer["changed"] == ["asks"])
    #expect(answer["asks"]?.array?.count == 2)
    #expect(answer["token"]?.string == "1001")
  }

  @Test func `filters pass over what is not meant`() async throws {
    let fleet = InMemoryFleet()
    let rig = Rig(fleet: fleet)
    async let onlyAsks = rig.get("/v1/wait?after=1000&only=asks")
    async let onlyWeb = rig.get("/v1/wait?after=1000&only=asks&tenant=web")
    async let actionable = rig.get("/v1/wait?after=1000&only=actionable")
    async let mine = Rig(fleet: fleet, caller: .tenant("web")).get("/v1/wait?after=1000")
    await fleet.setPhase("api", .degraded)
    #expect(try await actionable.json["changed"] == ["tenants"])
    await fleet.arrive(InMemoryFleet.ask("api", "b-1"))
    #expect(try await onlyAsks.json["changed"] == ["asks"])
    await fleet.arrive(InMemoryFleet.ask("web", "a-1"))
    #expect(try await onlyWeb.json["asks"]?.array?.map { $0["id"]?.string } == ["web/a-1"])
    let own = try await mine.json
    #expect(own["changed"] == ["asks"])
    #expect(own["asks"]?.array?.map { $0["id"]?.string } == ["web/a-1"], "other tenants' asks are not his to see")
  }

  @Test func `a stopping fleet ends the wait with its own code`() async throws {
    let fleet = InMemoryFleet()
    async let answer = Rig(fleet: fleet).get("/v1/wait?after=1000")
    fleet.feed.stop()
    let ended = try await answer
    #expect(ended.status == 503)
    #expect(ended.json["error"]?["code"] == "not_running")
  }

  @Test(arguments: ["/v1/events", "/v1/events?after=7"])
  func `an event source that was cut off goes on after what it heard last`(uri: String) async throws {
    let fleet = InMemoryFleet()
    await fleet.arrive(InMemoryFleet.ask("web", "a-1"))
    await fleet.arrive(InMemoryFleet.ask("api", "b-1"))
    async let streamed = Rig(fleet: fleet).test { client in
      try await client.execute(uri: uri, method: .get, headers: [.lastEventID: "1001"]) { String(buffer: $0.body) }
    }
    #expect(await eventually(within: .seconds(20)) { fleet.looks.withLock { $0 } >= 3 })
    fleet.feed.stop()
    let text = try await streamed
    #expect(text.hasPrefix("event: hello\nid: 1001\n"))
    #expect(text.contains("event: changed\nid: 1002\ndata: {\"changed\":[\"asks\"],\"tenants\":[\"api\"],"))
    #expect(!text.contains("web"), "it was heard already")
  }

  @Test func `events stream each change with its token, and the end`() async throws {
    let fleet = InMemoryFleet()
    let rig = Rig(fleet: fleet)
    async let streamed = rig.test { client in
      try await client.execute(uri: "/v1/events?after=1000", method: .get) { response in
        (response.headers[.contentType], String(buffer: response.body))
      }
    }
    await fleet.arrive(InMemoryFleet.ask("web", "a-1"))
    // The start, the change, and the wait for the next one.
    #expect(await eventually(within: .seconds(20)) { fleet.looks.withLock { $0 } >= 3 })
    fleet.feed.stop()
    let (type, text) = try await streamed
    #expect(type == "text/event-stream")
    #expect(text.hasPrefix("event: hello\nid: 1000\n"))
    #expect(
      text.contains(
        "event: changed\nid: 1001\ndata: {\"changed\":[\"asks\"],\"tenants\":[\"web\"],\"token\":\"1001\"}\n\n"))
    #expect(text.hasSuffix("event: stopping\ndata: {}\n\n"))
  }
}
