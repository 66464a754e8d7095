import Tenant

/// So many things at once and no more, in order of arrival, and of one tenant never more than its share: what a tenant's helpers
/// do with their places (hang, be stopped, wait for ever) must leave room for everybody else's.
actor Places {
  private let mostEach: Int
  private var free: Int
  private var taken: [String: Int] = [:]
  private var waiting: [(tenant: String, place: CheckedContinuation<Void, Never>)] = []

  init(_ count: Int, mostEach: Int) {
    free = max(1, count)
    self.mostEach = max(1, mostEach)
  }

  func take(_ tenant: String) async {
    if free > 0, taken[tenant, default: 0] < mostEach {
      occupy(tenant)
    } else {
      await withCheckedContinuation { waiting.append((tenant, $0)) }
    }
  }

  func with<Value: Sendable>(_ tenant: String, _ body: @Sendable () async -> Value) async -> Value {
    await take(tenant)
    let value = await body()
    give(tenant)
    return value
  }

  func give(_ tenant: String) {
    free += 1
    let left = taken[tenant, default: 1] - 1
    taken[tenant] = left > 0 ? left : nil
    // The first one that may: who waits for its own tenant's places holds up nobody behind it.
    guard let next = waiting.firstIndex(where: { taken[$0.tenant, default: 0] < mostEach }) else { return }
    let one = waiting.remove(at: next)
    occupy(one.tenant)
    one.place.resume()
  }

  private func occupy(_ tenant: String) {
    free -= 1
    taken[tenant, default: 0] += 1
  }
}
