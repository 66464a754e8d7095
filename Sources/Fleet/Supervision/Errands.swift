import Tenant

/// What the supervisor has set going and has not heard the end of: every task of its own has its place here until it is done.
///
/// An end waits for what is short. It does not wait for a tenant's process or for somebody's server: those go on, or are tried
/// again, and the next supervisor finds what came of them.
struct Errands: Sendable {
  enum Length: Hashable, Sendable {
    /// The ledger and memory, nothing else.
    case short
    /// A process, a hook, a server, or a wait.
    case long
  }

  private struct Errand: Sendable {
    var length: Length
    var cancel: @Sendable () -> Void
    var wait: @Sendable () async -> Void
  }

  private var open: [UInt64: Errand] = [:]
  private var latest: UInt64 = 0

  var count: Int { open.count }

  mutating func newNumber() -> UInt64 {
    latest += 1
    return latest
  }

  mutating func add<Value: Sendable>(_ number: UInt64, _ length: Length, _ task: Task<Value, Never>) {
    open[number] = Errand(length: length, cancel: { task.cancel() }, wait: { _ = await task.value })
  }

  mutating func remove(_ number: UInt64) { open[number] = nil }

  /// Tells those that nobody waits for; the answer is the waiting for the others.
  func end() -> [@Sendable () async -> Void] {
    for errand in open.values where errand.length == .long { errand.cancel() }
    return open.values.filter { $0.length == .short }.map(\.wait)
  }
}

extension Supervisor {
  /// Sets something going; what happens here meanwhile does not wait for it. There is no other way to start a task.
  @discardableResult
  func begin<Value: Sendable>(
    _ length: Errands.Length = .long, _ body: @escaping @Sendable (isolated Supervisor) async -> Value
  ) -> Task<Value, Never> {
    let number = errands.newNumber()
    // It cannot be done before it is added: both are steps of this actor.
    let task = Task {
      let value = await body(self)
      errands.remove(number)
      return value
    }
    errands.add(number, length, task)
    return task
  }

  /// At the end: whatever is still to be written down is written down.
  func finishErrands() async {
    // What is finished may have set something going.
    for _ in 0..<Self.finishRounds {
      let short = errands.end()
      guard !short.isEmpty else { return }
      for wait in short { await wait() }
    }
  }

  private static let finishRounds = 10
}
