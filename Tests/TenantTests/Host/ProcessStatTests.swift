import Glibc
import Testing

@testable import Tenant

@Suite struct ProcessStatTests {
  @Test(arguments: ["sleep", "a b", "x) S 1 1 (y", ") Z 0 0", ""])
  func `a program may be called anything`(name: String) throws {
    let seen = try #require(ProcessStat(parsing: "42 (\(name)) S 7 42 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0\n"))
    #expect(!seen.isEnded && seen.parent == 7 && seen.session == 9 && seen.startTime == 12345)
  }

  @Test(arguments: [
    "", "42", "42 (sleep)", "42 (sleep) S 1 2 3", "42 (sleep) S a b c 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 12345 0",
  ])
  func `what is cut off says nothing`(text: String) { #expect(ProcessStat(parsing: text) == nil) }

  @Test func `the kernel's own of this process`() throws {
    let seen = try #require(ProcessStat.of(getpid()))
    #expect(!seen.isEnded && seen.parent == getppid() && seen.session == getsid(0) && seen.startTime > 0)
    #expect(ProcessStat.of(0) == nil)
  }
}
