import Fleet
import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

extension Confined {
  /// What a tenant can do about what its workers' bubblewrap is made of: places that lie where its user can put a link instead.
  @Suite(
    .serialized, .timeLimit(.minutes(3)), .enabled(if: Confining.isPossible, Confining.reason),
    .enabled(if: Bubblewrap.problem() == nil, "needs bubblewrap"), .confinement)
  struct BubblewrapLinkTests {
    private let fixture = ConfinementFixture.shared

    private func worker(_ tenant: ConfinedTenant, hops: Bool = true, _ script: String) throws -> RunOutcome {
      try fixture.confinement.prepare(worker: "w", of: tenant)
      var within = try fixture.confinement.within(worker: tenant)
      // Past `looop _ bind --`: as if bwrap opened the places by itself.
      if !hops { within.removeFirst(4) }
      let command = within + ["/bin/bash", "-c", script]
      return BoundedRun(try fixture.confinement.spawn(for: .worker(tenant, id: "w"), command), deadline: 30).run()
    }

    @Test(arguments: ["repository", "data", "home", "writable", "readable"])
    func `a link in place of what is bound shows nothing of where it leads`(_ place: String) throws {
      let secret = try fixture.scratch.write("world-readable\n", to: "secret-of-\(place)", mode: 0o644)
      let user = fixture.users[1]
      // Not below its home: what is bound there already cannot be covered by a link.
      let home = fixture.scratch.appending("boxed-\(place)")
      try Directory.create(home.appending("src"), mode: 0o700)
      for made in [home, home.appending("src")] { chown(made.string, user.uid, user.gid) }
      let tenant = try fixture.tenant("box-\(place)", user: 1) {
        $0.bubblewrap = true
        switch place {
        case "repository": $0.repositories = [home.appending("src")]
        case "data": $0.dataDirectory = home.appending("src")
        case "writable": $0.writable = [home.appending("src")]
        case "readable": $0.readable = [home.appending("src")]
        default: $0.runnerHome = home.appending("src")
        }
      }
      let look = "cat '\(home)/src/\(secret.lastComponent!)' '\(secret)'; echo ran"
      #expect(try worker(tenant, look).text == "ran\n")
      try fixture.putLink(in: home, of: tenant, isHome: place == "home")
      let outcome = try worker(tenant, look)
      #expect(!outcome.text.contains("world-readable"), "\(outcome.text)")
      // What is only read stays hidden; what is written is a mistake that must be seen.
      if place == "readable" {
        #expect(outcome.text == "ran\n", "\(outcome.complaint)")
      } else {
        #expect(outcome.reason == .code(125), "\(outcome.reason) \(outcome.complaint)")
        #expect(outcome.complaint.contains("a link is on the way to it"), "\(outcome.complaint)")
      }
      // Without the hop it would be shown: so it is the hop that holds.
      #expect(try worker(tenant, hops: false, look).text.contains("world-readable"))
    }
  }
}
