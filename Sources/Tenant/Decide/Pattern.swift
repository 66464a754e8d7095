import Glibc

/// A POSIX extended regular expression (the system's own, so that a small program needs no regex library).
@safe final class Pattern {
  private var compiled = unsafe regex_t()

  /// `nil` where the text is no expression.
  init?(_ text: String, ignoringCase: Bool = false) {
    guard !text.utf8.contains(0) else { return nil }
    let flags = REG_EXTENDED | REG_NOSUB | (ignoringCase ? REG_ICASE : 0)
    guard unsafe regcomp(&compiled, text, flags) == 0 else { return nil }
  }

  deinit { unsafe regfree(&compiled) }

  func matches(_ text: String) -> Bool { unsafe regexec(&compiled, text, 0, nil, 0) == 0 }
}
