import Tenant

/// So many things at once and no more, in order of arrival, and of one tenant never more than its share: what a tenant's helpers
/// do with their places (hang, be stopped, wait for ever) must leave room for everybody else's.
actor Places {
  private let mostEach: Int
  private var free: Int
  private var taken: [String: Int] = [:]
  private var waiting: [(ticket: UInt64, tenant: String, place: CheckedContinuation<Bool, Never>)] = []
  private var lastTicket: UInt64 = 0

  init(_ count: Int, mostEach: Int) {
    free = max(1, count)
    self.mostEach = max(1, mostEach)
  }

  func take(_ tenant: String) async {
    if isFree(for: tenant) { return occupy(tenant) }
    _ = await withCheckedContinuation { queue(tenant, ticket(), $0) }
  }

  /// For who comes from outside, as often as he likes: false where `most` of the tenant wait already, and as soon as he who waits is
  /// called off.
  func take(_ tenant: String, waitingAtMost most: Int) async -> Bool {
    if isFree(for: tenant) {
      occupy(tenant)
      return true
    }
    guard waiting.count(where: { $0.tenant == tenant }) < most else { return false }
    let ticket = ticket()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { queue(tenant, ticket, $0) }
    } onCancel: {
      Task { await self.leave(ticket) }
    }
  }

  private func isFree(for tenant: String) -> Bool { free > 0 && taken[tenant, default: 0] < mostEach }

  private func ticket() -> UInt64 {
    lastTicket += 1
    return lastTicket
  }

  private func queue(_ tenant: String, _ ticket: UInt64, _ place: CheckedContinuation<Bool, Never>) {
    waiting.append((ticket, tenant, place))
  }

  private func leave(_ ticket: UInt64) {
    guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return }
    waiting.remove(at: index).place.resume(returning: false)
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
    one.place.resume(returning: true)
  }

  /// For the tests.
  var waitingCount: Int { waiting.count }

  private func occupy(_ tenant: String) {
    free -= 1
    taken[tenant, default: 0] += 1
  }
}
