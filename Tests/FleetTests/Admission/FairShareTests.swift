import TestSupport
import Testing

@testable import Fleet

@Suite struct FairShareTests {
  private static let tenants = (0..<6).map { TenantID("t\($0)")! }

  // MARK: - The gate

  @Test func `it never runs more than its places, and never leaves one empty`() {
    for seed in 0..<60 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var gate = FairGate<Int>(capacity: Int.random(in: 1...5, using: &random))
      var waiting: [Int: TenantID] = [:]
      var running: Set<Int> = []
      var order: [TenantID: [Int]] = [:]
      for ticket in 0..<200 {
        switch Int.random(in: 0..<4, using: &random) {
        case 0, 1:
          let tenant = Self.tenants.randomElement(using: &random)!
          gate.enqueue(ticket, tenant: tenant, weight: Int.random(in: 1...4, using: &random))
          gate.enqueue(ticket, tenant: tenant, weight: 1)
          waiting[ticket] = tenant
          order[tenant, default: []].append(ticket)
        case 2:
          guard let done = running.randomElement(using: &random) else { break }
          gate.leave(done)
          running.remove(done)
        default:
          guard let (gone, tenant) = waiting.randomElement(using: &random) else { break }
          gate.leave(gone)
          waiting[gone] = nil
          order[tenant]?.removeAll { $0 == gone }
        }
        for admitted in gate.admit() {
          let tenant = waiting.removeValue(forKey: admitted)
          #expect(tenant != nil, "only who waits is admitted")
          #expect(order[tenant!]?.first == admitted, "in order within a tenant")
          order[tenant!]?.removeFirst()
          running.insert(admitted)
        }
        #expect(gate.runningCount == running.count && gate.waitingCount == waiting.count)
        #expect(running.count <= gate.capacity)
        #expect(running.count == gate.capacity || waiting.isEmpty, "no place is empty while somebody waits")
      }
    }
  }

  @Test func `places go by weight`() {
    var gate = FairGate<String>(capacity: 1)
    let weights: [(TenantID, Int)] = [(Self.tenants[0], 1), (Self.tenants[1], 2), (Self.tenants[2], 5)]
    for (tenant, weight) in weights {
      for number in 0..<800 { gate.enqueue("\(tenant)/\(number)", tenant: tenant, weight: weight) }
    }
    var count: [String: Int] = [:]
    for _ in 0..<800 {
      let admitted = gate.admit()
      #expect(admitted.count == 1)
      count[String(admitted[0].prefix(2)), default: 0] += 1
      gate.leave(admitted[0])
    }
    #expect(count == ["t0": 100, "t1": 200, "t2": 500])
  }

  @Test func `who was idle is served next, and has saved nothing up`() {
    var gate = FairGate<String>(capacity: 1)
    for number in 0..<100 { gate.enqueue("a\(number)", tenant: Self.tenants[0], weight: 1) }
    var running = gate.admit()
    for _ in 0..<50 {
      gate.leave(running[0])
      running = gate.admit()
    }
    for number in 0..<50 { gate.enqueue("b\(number)", tenant: Self.tenants[1], weight: 1) }
    var served = ""
    for _ in 0..<20 {
      gate.leave(running[0])
      running = gate.admit()
      served += running[0].prefix(1)
    }
    #expect(served.prefix(4).contains("b"))
    #expect(served.filter { $0 == "b" }.count <= 11)
  }

  // MARK: - The workers' queue

  private func request(_ tenant: Int, _ worker: String, at: Int64) -> WorkerRequest {
    WorkerRequest(tenant: Self.tenants[tenant], worker: worker, requestedAt: at)
  }

  @Test func `over its quota a tenant's workers wait in their order`() {
    let plan = WorkerQueue(fleetMaximum: 10).plan(
      wishes: [request(0, "b", at: 20), request(0, "a", at: 10), request(0, "c", at: 30)],
      shares: [Self.tenants[0]: WorkerShare(quota: 1, weight: 1, live: 0)])
    #expect(plan.start.map(\.worker) == ["a"])
    #expect(
      plan.pending.map { "\($0.wish.worker) \($0.position) \($0.reason)" } == [
        "b 1 the tenant's quota is in use (1 of 1 live)", "c 2 the tenant's quota is in use (1 of 1 live)",
      ])
  }

  @Test func `a held tenant's workers wait for its reason, and others take the place`() {
    let plan = WorkerQueue(fleetMaximum: 1).plan(
      wishes: [request(0, "a", at: 10), request(1, "b", at: 20), request(2, "c", at: 30)],
      shares: [
        Self.tenants[0]: WorkerShare(quota: 4, weight: 1, live: 0, hold: "its budget is spent"),
        Self.tenants[1]: WorkerShare(quota: 4, weight: 1, live: 0),
      ])
    #expect(plan.start.map(\.worker) == ["b"])
    #expect(
      plan.pending.map(\.reason) == ["its budget is spent", "its tenant is not in the configuration"])
  }

  @Test func `a full fleet says so`() {
    let plan = WorkerQueue(fleetMaximum: 2).plan(
      wishes: [request(0, "a", at: 10)],
      shares: [
        Self.tenants[0]: WorkerShare(quota: 4, weight: 1, live: 0),
        Self.tenants[1]: WorkerShare(quota: nil, weight: 1, live: 2),
      ])
    #expect(plan.start == [])
    #expect(plan.pending.map(\.reason) == ["the fleet is full (2 of 2 live)"])
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `nothing is lost, no cap is passed, no place stays empty, shares follow the weights`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var shares: [TenantID: WorkerShare] = [:]
    for tenant in Self.tenants {
      shares[tenant] = WorkerShare(
        quota: Bool.random(using: &random) ? Int.random(in: 0...5, using: &random) : nil,
        weight: Int.random(in: 1...4, using: &random), live: Int.random(in: 0...3, using: &random),
        hold: Int.random(in: 0..<6, using: &random) == 0 ? "held" : nil)
    }
    let wishes = (0..<Int.random(in: 0...40, using: &random)).map {
      request(Int.random(in: 0..<6, using: &random), "w\($0)", at: Int64.random(in: 0...20, using: &random))
    }
    let maximum = Int.random(in: 0...20, using: &random)
    let plan = WorkerQueue(fleetMaximum: maximum).plan(wishes: wishes, shares: shares)
    #expect(plan == WorkerQueue(fleetMaximum: maximum).plan(wishes: wishes.shuffled(using: &random), shares: shares))
    #expect(Set(plan.start).union(plan.pending.map(\.wish)) == Set(wishes))
    #expect(plan.start.count + plan.pending.count == wishes.count)
    let live = shares.mapValues(\.live).values.reduce(0, +)
    #expect(plan.start.isEmpty || live + plan.start.count <= maximum)
    func count(_ tenant: TenantID) -> Int { plan.start.count { $0.tenant == tenant } }
    for (tenant, share) in shares {
      #expect(count(tenant) == 0 || share.live + count(tenant) <= share.quota ?? .max)
      #expect(share.hold == nil || count(tenant) == 0)
      let positions = plan.pending.filter { $0.wish.tenant == tenant }.map(\.position)
      #expect(positions == Array(1..<positions.count + 1))
      let mayTake = share.hold == nil && share.live + count(tenant) < share.quota ?? .max
      if mayTake, !positions.isEmpty {
        #expect(live + plan.start.count >= maximum, "a place is empty and somebody may take it")
        for (other, theirs) in shares where count(other) > 0 && other != tenant {
          // The last worker given to the other was fair: it had no more for its weight than this one has.
          let last = Double(theirs.live + count(other) - 1) / Double(theirs.weight)
          #expect(last <= Double(share.live + count(tenant)) / Double(share.weight))
        }
      }
    }
  }
}
