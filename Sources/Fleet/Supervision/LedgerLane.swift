import Dispatch
import Tenant

/// The ledger's own lane: SQLite blocks (every commit waits for the disk), and the cooperative pool has a thread a core. Calls
/// are made in the order in which they come.
final class LedgerLane: Sendable {
  private let ledger: Ledger
  private let queue = DispatchQueue(label: "ledger")

  init(_ ledger: Ledger) { self.ledger = ledger }

  func perform<Value: Sendable>(
    _ body: @escaping @Sendable (Ledger) throws -> Value
  ) async -> Result<Value, LedgerError> {
    await withCheckedContinuation { continuation in
      queue.async { [ledger] in
        do {
          continuation.resume(returning: .success(try body(ledger)))
        } catch let error as LedgerError {
          continuation.resume(returning: .failure(error))
        } catch {
          continuation.resume(
            returning: .failure(LedgerError(.internalFailure, "use it", path: ledger.path, detail: "\(error)")))
        }
      }
    }
  }
}

extension ClockReading {
  /// One look at this machine's clocks.
  static func now(_ clock: HostClock) -> ClockReading {
    ClockReading(wall: clock.now, sinceBoot: Int64(clock.sinceBoot()), bootID: ProcessIdentity.currentBootID)
  }
}
