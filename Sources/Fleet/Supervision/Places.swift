import Tenant

/// So many things at once and no more, in order of arrival. A tenant in trouble takes its places from a lane of its own, so that
/// slow helpers never stand in the way of the well ones.
actor Places {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) { free = max(1, count) }

  func take() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func with<Value: Sendable>(_ body: @Sendable () async -> Value) async -> Value {
    await take()
    let value = await body()
    give()
    return value
  }

  func give() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}
