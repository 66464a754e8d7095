import Glibc

extension FileWatch {
  /// Waits for a change or for the time to pass; without a watch for the time alone.
  static func pause(_ watch: borrowing FileWatch?, milliseconds: Int) {
    switch watch {
    case .some(let watch): _ = watch.wait(milliseconds: milliseconds)
    case .none: _ = poll(nil, 0, CInt(clamping: milliseconds))
    }
  }
}
