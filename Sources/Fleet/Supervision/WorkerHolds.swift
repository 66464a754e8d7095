import Tenant

/// The money of one tenant's workers in the supervisor's memory: a copy of what the ledger holds for them, read once after a
/// start and kept up from there.
struct WorkerHolds: Sendable {
  /// By the wish's generation, which is the run's id in the ledger.
  var open: [String: OpenReservation] = [:]
  /// Whether the ledger was asked what an earlier supervisor left.
  var isLoaded = false
  /// Ends that are being settled.
  var settling: Set<String> = []
  /// One metering of a tenant at a time, however long its helper takes.
  var isMetering = false
  /// Sessions that no hold can be taken for any more: their wish was closed before.
  var refused: Set<String> = []
  /// Micro-dollars by worker, as far as they are metered; nil until the ledger was asked.
  var spent: [String: Int64]?
  /// Why the next worker does not start, until money is free again.
  var waiting: AdmissionRefusal?
  private var pass = 0

  /// Free workers are looked at too, but seldom: what calls itself a shell script may start an agent.
  private static let seldom = 4

  mutating func nextPass() -> Bool {
    pass += 1
    return pass % Self.seldom == 0
  }
}

/// What became of the wish to pay for a worker.
enum WorkerGrant: Sendable {
  case granted(ReservationID)
  /// It waits; the tenant's ``WorkerHolds/waiting`` or the ledger's trouble says for what.
  case waits
  /// It cannot start at all.
  case impossible(String)
}
