import CLinux
import Glibc
import SystemPackage

/// SIGTERM and SIGINT as a descriptor to wait on: they end a nap at once and never cut a beat in half. Children start without this
/// mask.
struct StopSignals: ~Copyable {
  let descriptor: OwnedDescriptor
  private let previous: sigset_t

  init() throws(HostError) {
    var mask = sigset_t()
    var old = sigset_t()
    unsafe sigemptyset(&mask)
    unsafe sigaddset(&mask, SIGTERM)
    unsafe sigaddset(&mask, SIGINT)
    unsafe pthread_sigmask(SIG_BLOCK, &mask, &old)
    previous = old
    let raw = unsafe signalfd(-1, &mask, CInt(O_CLOEXEC | O_NONBLOCK))
    guard raw >= 0 else {
      let error = HostError.last("watch signals")
      unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
      throw error
    }
    descriptor = OwnedDescriptor(owning: raw)
  }

  deinit {
    var old = previous
    unsafe pthread_sigmask(SIG_SETMASK, &old, nil)
  }

  /// It stays true: nobody takes the signal away.
  var arrived: Bool {
    var entry = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&entry, 1, 0) > 0
  }
}
