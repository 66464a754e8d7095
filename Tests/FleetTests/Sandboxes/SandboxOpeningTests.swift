import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

/// Creations whose helper is killed in what follows the checkout.
@Suite(.enabled(if: BuiltProducts.has("looop-fleet"), "looop-fleet is not built")) struct SandboxOpeningTests {
  private static func begin(_ fixture: GitFixture, setup: String) throws -> RunningProcess {
    let helper = try RunningProcess(BuiltProducts.looopFleet, ["_sandbox", "create"])
    helper.write(fixture.request("w", ["setup": .string(setup)]).compact)
    helper.closeInput()
    return helper
  }

  /// One that was given a secret, killed in its setup.
  private static func cutOff() throws -> GitFixture {
    let fixture = try GitFixture()
    try fixture.scratch.write("SECRET=1\n", to: "source/.env")
    try fixture.scratch.write(".env\n", to: "source/.worktreeinclude")
    let begun = fixture.root.appending("trees/w/begun.log")
    let helper = try begin(fixture, setup: "echo begun >begun.log; exec sleep 600")
    #expect(eventually(within: 30) { Files.exists(begun) }, "\(helper.output)\(helper.errors)")
    helper.signal(SIGKILL)
    #expect(helper.wait() == .signal(SIGKILL))
    return fixture
  }

  @Test func `the next request finishes it, and what it was given is no work`() throws {
    let fixture = try Self.cutOff()
    let made = fixture.verb("create", "w", ["setup": "echo again >again.log"])
    #expect(made["ok"] == true && made["from"] == "existing", "\(made.compact)")
    let tree = fixture.root.appending("trees/w")
    #expect(FileReading.of(tree.appending(".env")).text == "SECRET=1\n")
    #expect(FileReading.of(tree.appending("again.log")).text == "again\n")
    #expect(fixture.verb("create", "w", ["setup": "exit 1"])["ok"] == true, "its setup has run")
    let removed = fixture.verb("remove")
    #expect(removed["outcome"] == "removed", "\(removed.compact)")
  }

  /// A setup may write secrets as well.
  @Test func `given back as it is, nothing that git ignores is parked`() throws {
    let fixture = try Self.cutOff()
    let removed = fixture.verb("remove")
    #expect(removed["outcome"] == "removed" && removed["parked"] == [], "\(removed.compact)")
  }

  @Test func `what else was made is parked without its secrets, and what is restored is nobody's to furnish`() throws {
    let fixture = try Self.cutOff()
    try AtomicFile.write("x\n", to: fixture.root.appending("trees/w/x"))
    #expect(fixture.verb("remove")["outcome"] == "parked", "it may be anybody's")
    let files = try fixture.git(["ls-tree", "-r", "--name-only", "refs/looop/parked/w"]).split(separator: "\n")
    #expect(files.contains("x") && !files.contains("begun.log") && !files.contains(".env"), "\(files)")
    #expect(fixture.verb("restore")["ok"] == true)
    #expect(fixture.verb("create", "w", ["setup": "exit 1"])["ok"] == true)
    #expect(fixture.verb("remove")["outcome"] == "parked")
  }

  /// The shell ends with its helper; what it was just running may not.
  @Test func `a setup that outlives its helper is waited for`() throws {
    let fixture = try GitFixture()
    let (order, go) = (fixture.scratch.appending("order"), fixture.scratch.appending("go"))
    func told() -> String { FileReading.of(order).text ?? "" }
    let inner = "echo begun >>\(order); until test -e \(go); do sleep 0.02; done; echo first >>\(order)"
    let first = try Self.begin(fixture, setup: "sh -c '\(inner)'; echo never >>\(order)")
    #expect(eventually(within: 30) { told() == "begun\n" }, "\(first.output)\(first.errors)")
    first.signal(SIGKILL)
    #expect(first.wait() == .signal(SIGKILL))
    // No longer than a setup may take: it may hang.
    let refused = fixture.verb("create", "w", ["setup": "true", "setup_timeout_s": 1])
    #expect(refused["code"] == "busy" && refused["message"]?.string?.contains("(sh)") == true, "\(refused.compact)")
    let second = try Self.begin(fixture, setup: "echo second >>\(order)")
    #expect(told() == "begun\n")
    try AtomicFile.write("", to: go)
    #expect(second.wait(within: 60) == .code(0), "\(second.output)")
    #expect(told() == "begun\nfirst\nsecond\n")
  }
}
