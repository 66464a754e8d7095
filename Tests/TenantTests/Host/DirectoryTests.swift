import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Tenant

@Suite struct DirectoryTests {
  @Test func `directories are told from files by the listing`() throws {
    let scratch = try ScratchDirectory()
    for name in ["b", "a", "Z", ".hidden"] { try Directory.create(scratch.appending(name)) }
    _ = try scratch.write("", to: "file")
    #expect(try Directory.directoryNames(scratch.path) == ["Z", "a", "b"])
    #expect(throws: HostError.self) { try Directory.directoryNames(scratch.appending("absent")) }
  }

  @Test func `a process finds itself among the directories of proc`() throws {
    #expect(try Directory.directoryNames("/proc").contains(String(getpid())))
  }
}
