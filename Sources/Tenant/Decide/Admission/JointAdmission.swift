/// Two budgets at once: the tenant's own and the fleet's. Both must grant; the tighter one binds; both are charged.
package struct JointAdmission: DecideAdmission {
  package private(set) var own: StandaloneAdmission
  package private(set) var door: DoorAdmission

  package init(own: StandaloneAdmission, door: DoorAdmission) {
    self.own = own
    self.door = door
  }

  package mutating func admit(_ wish: DecideWish) -> DecideVerdict {
    // The own budget first: it costs no one else's attention. Its hold is given back where the fleet refuses.
    switch own.admit(wish) {
    case .refused(let reason, let retryAt): return .refused(reason: reason, retryAt: retryAt)
    case .granted(let ownReservation):
      let verdict = door.admit(wish)
      if case .refused = verdict {
        own.settle(
          reservation: ownReservation, runID: wish.runID,
          usage: RunUsage(runner: wish.runner, tokens: TokenCount(), microUSD: 0, complete: true))
      }
      return verdict
    }
  }

  package mutating func settle(reservation: String, runID: String, usage: RunUsage?) {
    own.settle(reservation: runID, runID: runID, usage: usage)
    door.settle(reservation: reservation, runID: runID, usage: usage)
  }

  package func limits() -> JSON? {
    switch (own.limits(), door.limits()) {
    case (nil, let fleet): fleet
    case (let own?, nil): own
    case (let own?, let fleet?): ["own": own, "fleet": fleet]
    }
  }

  package mutating func report(_ report: TenantReport) { door.report(report) }
}
