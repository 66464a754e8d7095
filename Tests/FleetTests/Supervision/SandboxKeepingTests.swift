import Tenant
import Testing

@testable import Fleet

@Suite struct SandboxKeepingTests {
  private static func worker(
    _ id: String, _ phase: WorkerRecord.Phase, sandbox: String? = "/s/trees/w", generation: String? = nil
  ) -> TenantReport.Worker {
    var record = WorkerRecord(id: id, requestedAt: 1, generation: generation ?? "g-\(id)")
    record.phase = phase
    record.repo = "web"
    record.sandbox = sandbox
    return TenantReport.Worker(record: record, health: nil, exitCode: nil)
  }

  private static func ids(_ workers: [TenantReport.Worker]) -> [String] { workers.map(\.record.id) }

  @Test func `the end of a worker that lived is looked after once`() {
    var keeping = SandboxKeeping()
    #expect(keeping.takeEnded([Self.worker("w", .running)], starting: []) == [])
    #expect(Self.ids(keeping.takeEnded([Self.worker("w", .exited)], starting: [])) == ["w"])
    #expect(keeping.takeEnded([Self.worker("w", .exited)], starting: []) == [])
  }

  @Test func `one that ends before its start is over here is looked after by the next report`() {
    var keeping = SandboxKeeping()
    keeping.awaited.insert("g-w")
    #expect(keeping.takeEnded([Self.worker("w", .pending, sandbox: nil)], starting: ["w"]) == [])
    #expect(keeping.takeEnded([Self.worker("w", .exited)], starting: ["w"]) == [])
    #expect(Self.ids(keeping.takeEnded([Self.worker("w", .exited)], starting: [])) == ["w"])
    #expect(keeping.takeEnded([Self.worker("w", .exited)], starting: []) == [])
  }

  @Test func `one that ended before we came, or that had no sandbox, is left to the tending`() {
    var keeping = SandboxKeeping()
    let ended = [Self.worker("w", .exited), Self.worker("bare", .failed, sandbox: nil)]
    #expect(keeping.takeEnded(ended, starting: []) == [])
    #expect(keeping.awaited.isEmpty)
  }

  @Test func `a record that is gone, or is another life's, is waited for no longer`() {
    var keeping = SandboxKeeping()
    #expect(keeping.takeEnded([Self.worker("w", .running)], starting: []) == [])
    #expect(keeping.takeEnded([Self.worker("w", .exited, generation: "later")], starting: []) == [])
    #expect(keeping.awaited.isEmpty)
  }
}
