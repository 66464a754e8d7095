import CLinux
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// Who is alive, and who listens. That a process which `/proc` hides is not taken for dead is `FleetHardeningTests`'.
@Suite struct ProcessIdentityTests {
  @Test func `an ended process, a recycled number and an earlier boot are not alive, and not hidden`() throws {
    let process = try RunningProcess("/bin/sleep", ["60"])
    let identity = try #require(ProcessIdentity.of(process.pid))
    #expect(identity.isAlive && !identity.isHidden)
    var other = identity
    other.startTime += 1
    #expect(!other.isAlive && !other.isHidden)
    other.bootID = "00000000-0000-4000-8000-000000000000"
    #expect(!other.isAlive && !other.isHidden)
    process.signal(SIGKILL)
    _ = process.wait()
    #expect(!identity.isAlive && !identity.isHidden)
  }

  @Test func `a zombie is neither alive nor hidden`() throws {
    let child = try Spawn("/bin/true", [], environment: HostEnvironment([:]), directory: "/").start()
    defer { waitpid(child, nil, 0) }
    #expect(eventually { ProcessIdentity.of(child) == nil })
    let identity = ProcessIdentity(pid: child, startTime: 0, bootID: ProcessIdentity.currentBootID)
    #expect(!identity.isHidden && !identity.isAlive)
  }

  @Test func `a session's socket is held by who listens on it, and by nobody once that one is gone`() throws {
    let scratch = try ScratchDirectory("s")
    let path = scratch.appending("s.sock")
    #expect(!SessionControl.isHeld(path, by: getpid()))
    let listener = clinux_unix_socket(path.string, 1)
    try #require(listener >= 0)
    #expect(SessionControl.isHeld(path, by: getpid()))
    #expect(!SessionControl.isHeld(path, by: getppid()))
    // Nobody takes the connections: a full queue is a holder that is busy, or frozen, and not one that is gone.
    for _ in 0..<40 { #expect(SessionControl.isHeld(path, by: getpid())) }
    close(listener)
    #expect(!SessionControl.isHeld(path, by: getpid()))
  }
}
