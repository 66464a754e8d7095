import Glibc
import TestSupport
import Testing

@testable import Tenant

@Suite struct LimitWordsTests {
  /// 2026-11-24 12:00 of the machine's own clock.
  static let noon: Int64 = {
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday, parts.tm_hour, parts.tm_isdst) = (126, 10, 24, 12, -1)
    return Int64(mktime(&parts))
  }()

  static let sentences: [(String, Int64)] = [
    ("You've hit your usage limit. Try again in 3 hours 12 minutes.", 11_520),
    ("Try again in 5 days 3 hours 12 minutes.", 443_520),
    ("try again in 1 day and 1 minute", 86_460),
    ("Try again in 42 seconds", 42),
    ("Try again in less than a minute.", 60),
    ("You've hit your usage limit. Upgrade to Pro, or try again at 5:14 PM.", 18_840),
    ("Try again at 12:00 PM.", 86_400),
    ("Try again at 11:59 AM.", 86_340),
    ("Try again at 12:30 AM.", 45_000),
    ("Try again at Nov 25th, 2026 5:14 PM.", 105_240),
    ("Try again at December 1st, 2026 12:00 PM", 604_800),
  ]

  @Test(arguments: sentences)
  func `what a person reads is a time`(sentence: String, seconds: Int64) {
    #expect(LimitWords.end(sentence, now: Self.noon) == Self.noon + seconds)
  }

  @Test(arguments: [
    "", "Try again later.", "Try again in a while", "Try again in 3", "Try again in 99999 days",
    "Try again at 25:00 PM",
    "Try again at 5:14", "Try again at Nov 23rd, 2026 5:14 PM.", "Try again at Nov 25th, 2099 5:14 PM.",
    "Try again in -3 hours", "try again at ::", "Try again in 99999999999999999999 hours",
  ])
  func `what names no time is none`(sentence: String) {
    #expect(LimitWords.end(sentence, now: Self.noon) == nil)
  }

  @Test func `codex's turn that hit the limit says when it ends`() {
    var stream = RunnerStream(command: "codex exec --json", startedAt: Self.noon)
    _ = stream.feed(
      Array(
        """
        {"type":"thread.started","thread_id":"t"}
        {"type":"turn.started"}
        {"type":"turn.failed","error":{"message":"You've hit your usage limit. Try again in 3 hours 12 minutes."}}

        """.utf8))
    _ = stream.finish()
    #expect(stream.usage().rateLimitedUntil == Self.noon + 11_520)
    #expect(stream.failure?.contains("usage limit") == true)
  }
}
