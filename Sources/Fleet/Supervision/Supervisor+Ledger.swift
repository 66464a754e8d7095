import Logging
import Tenant

/// The ledger as a thing that can fail, and the round that keeps its books: while it cannot be used nothing starts, and it is asked
/// again until it can.
extension Supervisor {
  func ledgerFailed(_ error: LedgerError) {
    let words = "the ledger cannot be used, so no decide may start: \(error.reason)"
    if ledgerTrouble != words { say("\(words) (\(error.hint))", level: .error) }
    let isNew = ledgerTrouble == nil
    ledgerHint = error.hint
    troubleIs(words)
    if isNew { retryLedger() }
  }

  private func troubleIs(_ words: String?) {
    ledgerTrouble = words
    for name in tenants.keys { tenants[name]?.state.ledgerTrouble = words }
    changed(.tenants)
  }

  /// Called where something was written: that it can be read is not enough to start a runner.
  func ledgerAnswered() {
    guard ledgerTrouble != nil else { return }
    troubleIs(nil)
    say("the ledger can be used again")
    // What ops ordered is in it: read it before anything starts.
    begin(.short) { fleet in
      await fleet.obeyStandingOrders()
      fleet.admitWorkers()
    }
  }

  /// Nobody may be there to ask again: so it is asked by itself, until it answers.
  private func retryLedger() {
    begin { fleet in
      while fleet.ledgerTrouble != nil, !fleet.stopping {
        guard (try? await Task.sleep(for: .seconds(Self.ledgerRetry))) != nil else { return }
        await fleet.tryLedger()
      }
    }
  }

  private static let ledgerRetry = 2.0

  private func tryLedger() async {
    let now = clock.now
    switch await ledger.perform({ try $0.note("last trouble", String(now)) }) {
    case .success:
      ledgerAnswered()
      await refreshBudgets()
    case .failure(let error): ledgerFailed(error)
    }
  }

  func recoverLedger() async {
    if case .failure(let error) = await ledger.perform({ try $0.verify() }) { ledgerFailed(error) }
  }

  /// One round after the other until the supervisor stops: days end and warnings come due also where nothing beats, and live workers
  /// spend money between two beats.
  func keepBooks() async {
    while !stopping {
      // Cancelled means that the supervisor stops.
      guard (try? await Task.sleep(for: fleet.meterEvery)) != nil else { return }
      await refreshBudgets()
      await forgetOldCharges()
      meterAll()
      await sweepHomes()
      admitWorkers()
      if let due = delivery.report.nextDue, due <= clock.now { deliverAsks() }
    }
  }

  /// Charges by the price list are put right where the list was corrected.
  func followPrices() async {
    let (prices, today) = (prices, fleetRules.zone.date(at: clock.now))
    switch await ledger.perform({ try $0.follow(prices, today: today) }) {
    case .success(0): break
    case .success(let count): say("\(count) charges are priced again: the price list has changed")
    case .failure(let error): ledgerFailed(error)
    }
  }

  /// Single charges older than ``Ledger/retention`` go, once a day; the days' totals stay.
  private func forgetOldCharges() async {
    guard let today = fleetBudget?.day.date, today != forgottenOn else { return }
    forgottenOn = today
    switch await ledger.perform({ try $0.forgetOld(today: today) }) {
    case .success(0): break
    case .success(let count):
      say("\(count) charges older than \(Ledger.retention) days are forgotten; their totals stay")
    case .failure(let error): ledgerFailed(error)
    }
  }
}
