import CLinux
import Glibc
package import Tenant

/// What can be stopped: a set of processes that may grow while we look.
package protocol StopTarget: Sendable {
  /// Sees who is there, anew on every call. "Cannot know" counts as yes: a stop must not be called done on a read error.
  func remaining() -> (isPopulated: Bool, pids: [Int32])
  var hears: Bool { get }
  func terminate()
  func kill()
}

/// Carries out a ``StopLadder`` on a target.
package enum StopRun {
  package static func run(
    _ target: some StopTarget, policy: StopLadder.Policy, clock: HostClock = .system
  ) async
    -> StopOutcome
  {
    var ladder = StopLadder(policy: policy)
    var effects = ladder.on(
      .start(isPopulated: target.remaining().isPopulated, asks: target.hears), now: clock.monotonic())
    while true {
      if let outcome = ladder.outcome { return outcome }
      for effect in effects {
        switch effect {
        case .terminate: target.terminate()
        case .kill: target.kill()
        case .look(let seconds): await pause(seconds)
        }
      }
      let seen = target.remaining()
      effects = ladder.on(.seen(isPopulated: seen.isPopulated, remaining: seen.pids), now: clock.monotonic())
    }
  }

  /// A cancelled stop still is a stop: it goes on to its end, only without pauses that a cancelled task would skip.
  private static func pause(_ seconds: Double) async {
    let duration = Duration.seconds(seconds)
    if Task.isCancelled {
      await Task { try? await Task.sleep(for: duration) }.value
    } else {
      try? await Task.sleep(for: duration)
    }
  }
}

/// Everything in a control group, whatever it forked into, whichever session it is in, whatever it calls itself.
package struct ControlGroupTarget: StopTarget {
  package let groups: ControlGroups
  package let group: ControlGroup

  package init(groups: ControlGroups, group: ControlGroup) {
    self.groups = groups
    self.group = group
  }

  package var hears: Bool { !groups.isFrozen(group) }

  package func remaining() -> (isPopulated: Bool, pids: [Int32]) {
    let populated = groups.isPopulated(group) ?? true
    return (populated, populated ? groups.members(group) : [])
  }

  package func terminate() {
    for pid in groups.members(group) {
      // The pid may be somebody else's by now: hold the process, look again whether it is a member, then signal what is held.
      let held = clinux_pidfd_open(pid)
      guard held >= 0 else { continue }
      defer { close(held) }
      if groups.members(group).contains(pid) { _ = clinux_pidfd_send_signal(held, SIGTERM) }
    }
  }

  package func kill() {
    // What does not go is seen on the next look, and told as stuck in the end.
    try? groups.kill(group)
  }
}
