/// When each tenant's next beat is due: a heap, so that a thousand idle tenants cost one timer and a look at its top.
///
/// Times are monotonic seconds. An entry that was superseded stays in the heap until it surfaces and is dropped there.
struct Timetable: Sendable {
  private struct Entry: Sendable {
    var due: Double
    var tenant: String
    var ticket: UInt64
  }

  private var heap: [Entry] = []
  private var tickets: [String: UInt64] = [:]
  private var dueTimes: [String: Double] = [:]
  private var nextTicket: UInt64 = 0

  var isEmpty: Bool { tickets.isEmpty }
  func due(of tenant: String) -> Double? { dueTimes[tenant] }

  /// The earliest time at which anything is due.
  mutating func earliest() -> Double? {
    dropSuperseded()
    return heap.first?.due
  }

  mutating func schedule(_ tenant: String, at due: Double) {
    nextTicket += 1
    tickets[tenant] = nextTicket
    dueTimes[tenant] = due
    heap.append(Entry(due: due, tenant: tenant, ticket: nextTicket))
    siftUp(heap.count - 1)
  }

  mutating func cancel(_ tenant: String) {
    tickets[tenant] = nil
    dueTimes[tenant] = nil
  }

  /// Takes all that are due by `now`, earliest first; they are no longer scheduled.
  mutating func take(dueBy now: Double) -> [String] {
    var taken: [String] = []
    while let due = earliest(), due <= now {
      let entry = pop()
      tickets[entry.tenant] = nil
      dueTimes[entry.tenant] = nil
      taken.append(entry.tenant)
    }
    return taken
  }

  /// Where in its first interval a tenant begins: spread by name, the same after every restart, so that a thousand
  /// tenants that start together do not beat together.
  static func offset(of tenant: String, interval: Double) -> Double {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in tenant.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    // FNV's high bits are poor for short names: fold them before taking the fraction.
    hash ^= hash >> 32
    return Double(hash % 10_000) / 10_000 * interval
  }

  private mutating func dropSuperseded() {
    while let top = heap.first, tickets[top.tenant] != top.ticket { _ = pop() }
  }

  private mutating func pop() -> Entry {
    let top = heap[0]
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      siftDown(0)
    }
    return top
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].due < heap[parent].due else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].due < heap[least].due {
        least = child
      }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
