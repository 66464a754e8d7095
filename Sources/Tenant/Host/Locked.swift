import Glibc

/// A value behind a pthread lock, for the few places that must be synchronous. Not `Synchronization.Mutex`: contended, that
/// one makes the thread sanitizer cry wolf on Linux.
@safe package final class Locked<State>: @unchecked Sendable {
  // SAFETY: `state` is touched only between lock and unlock of `mutex`, in `withLock`.
  private var state: State
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  package init(_ state: State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  package func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&state)
  }
}
