import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@Suite struct SandboxHelperTests {
  /// Where the kernel offers it: what it maps around a touched page would be most of what a helper holds.
  @Test(.enabled(if: ProgramPages.canMapTouchedOnly), .timeLimit(.minutes(1)))
  func `a helper holds of program and libraries what it touches`() throws {
    let helper = try RunningProcess(BuiltProducts.looopFleet, ["_sandbox", "create"])
    // It waits for its request; by then every part of a file that the loader mapped is watched.
    let isWatched = eventually(within: 10) {
      let parts = Self.parts(of: helper.pid)
      return !parts.isEmpty && parts.allSatisfy { $0.flags.contains("uw") }
    }
    #expect(isWatched, "\(Self.parts(of: helper.pid))")
    helper.write("{}")
    helper.closeInput()
    #expect(helper.wait(within: 10) == .code(1))
    #expect(helper.output.contains("invalid_request"))
  }

  private static func parts(of pid: pid_t) -> [(name: Substring, flags: [Substring])] {
    let text = FileReading.of(FilePath("/proc/\(pid)/smaps"), maximumBytes: 1 << 20).text ?? ""
    var (parts, name) = ([(name: Substring, flags: [Substring])](), Substring())
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first?.hasSuffix(":") == false { name = words.count > 5 ? words[5] : "" }
      // What nobody may read keeps a place free, and holds nothing.
      guard words.first == "VmFlags:", name.first == "/", words.contains("rd") else { continue }
      parts.append((name, Array(words.dropFirst())))
    }
    return parts
  }
}
