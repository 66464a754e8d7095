import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// Where `tenant add` makes a data dir, and where it does not.
@Suite struct TenantPlaceTests {
  private func mode(_ path: FilePath) -> mode_t {
    var status = stat()
    return stat(path.string, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test func `what is missing above a data dir is made, and others can pass`() throws {
    let scratch = try ScratchDirectory("p")
    chmod(scratch.path.string, 0o755)
    let place = scratch.appending("srv/looop/web")
    #expect(try TenantPlace.make(place, user: nil))
    #expect(mode(place) == 0o700)
    #expect(mode(scratch.appending("srv")) == 0o755 && mode(scratch.appending("srv/looop")) == 0o755)
    #expect(try !TenantPlace.make(place, user: nil))
  }

  @Test(.enabled(if: geteuid() == 0, "needs root: it makes nothing in what others can write to"))
  func `below what others can write to root makes nothing above a data dir`() throws {
    let scratch = try ScratchDirectory("p")
    chmod(scratch.path.string, 0o777)
    let refusal = #expect(throws: FleetRefusal.self) { try TenantPlace.make(scratch.appending("a/b"), user: nil) }
    #expect(refusal?.message.contains("not root's alone") == true && refusal?.hint?.contains("as its user") == true)
    #expect(!Directory.exists(scratch.appending("a")))
    #expect(try TenantPlace.make(scratch.appending("c"), user: nil))
  }
}
