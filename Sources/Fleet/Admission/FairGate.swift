/// A cap on how many things run at once in the fleet, with a queue that is fair between tenants. Beats pass one, decides another.
///
/// First come, first served within a tenant; between tenants by weight (stride scheduling): each admission moves its tenant's mark
/// on by 1/weight, and the waiting tenant with the lowest mark goes first. A tenant that was idle starts at the mark of the last admission, so idleness
/// is neither saved up nor punished. Work-conserving: a free place is never kept for somebody who is not waiting.
package struct FairGate<Ticket: Hashable & Sendable>: Sendable {
  private struct Waiting: Sendable {
    let ticket: Ticket
    let weight: Int64
  }

  /// Places; changing it takes effect with the next `admit`.
  package var capacity: Int
  private var running: Set<Ticket> = []
  private var queues: [TenantID: [Waiting]] = [:]
  private var marks: [TenantID: Int64] = [:]
  private var virtualTime: Int64 = 0

  /// One turn of a tenant of weight 1, in units fine enough for the largest weight.
  private static var stride: Int64 { 1_000_000 }

  package init(capacity: Int) { self.capacity = max(1, capacity) }

  package var runningCount: Int { running.count }
  package var waitingCount: Int { queues.values.reduce(0) { $0 + $1.count } }

  /// Asks for a place. Asking again with a ticket that runs or waits changes nothing.
  package mutating func enqueue(_ ticket: Ticket, tenant: TenantID, weight: Int) {
    guard !running.contains(ticket), !(queues[tenant]?.contains { $0.ticket == ticket } ?? false) else { return }
    if queues[tenant] == nil { marks[tenant] = max(marks[tenant] ?? virtualTime, virtualTime) }
    queues[tenant, default: []].append(Waiting(ticket: ticket, weight: Int64(max(1, weight))))
  }

  /// Gives back a place, or leaves the queue.
  package mutating func leave(_ ticket: Ticket) {
    guard running.remove(ticket) == nil else { return }
    for (tenant, queue) in queues {
      let rest = queue.filter { $0.ticket != ticket }
      guard rest.count != queue.count else { continue }
      queues[tenant] = rest.isEmpty ? nil : rest
    }
  }

  /// Fills the free places and says who got one, in order.
  package mutating func admit() -> [Ticket] {
    var admitted: [Ticket] = []
    while running.count < capacity, let tenant = next(), var queue = queues[tenant] {
      let first = queue.removeFirst()
      queues[tenant] = queue.isEmpty ? nil : queue
      let mark = marks[tenant] ?? virtualTime
      virtualTime = max(virtualTime, mark)
      marks[tenant] = mark + Self.stride / first.weight
      running.insert(first.ticket)
      admitted.append(first.ticket)
    }
    // A mark that lies behind the last admission says nothing any more: forgetting it bounds the memory by who is active.
    if queues.isEmpty { marks = marks.filter { $0.value > virtualTime } }
    return admitted
  }

  private func next() -> TenantID? {
    queues.keys.min { left, right in
      let (leftMark, rightMark) = (marks[left] ?? virtualTime, marks[right] ?? virtualTime)
      return leftMark != rightMark ? leftMark < rightMark : left < right
    }
  }
}
