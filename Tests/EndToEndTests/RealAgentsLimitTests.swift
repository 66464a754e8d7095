import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// The real `claude` and `codex` against a provider that turns their accounts away (429, with the time at which the limit ends): what they
/// print parks the account until then, and no decide is burnt.
@Suite(
  .serialized, .timeLimit(.minutes(3)),
  .enabled(if: RealAgents.arePresent, "needs the real claude and codex, and python3"),
  .enabled(if: BuiltProducts.has("looop-fleet"), "needs the built looop-fleet"))
struct RealAgentsLimitTests {
  /// Turns everybody away until the time in the file `resets`; a line for each request in `requests`.
  private static let provider = #"""
    import json, sys, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    place = sys.argv[1]
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *args): pass
        def send(self, status, body, headers={}):
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", "content-length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        def do_GET(self): self.send(200, {"data": []})
        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            kind = "codex" if "/responses" in self.path else "claude"
            resets = int(open(f"{place}/resets-{kind}").read())
            with open(f"{place}/requests-{kind}", "a") as log: log.write(f"{int(time.time())}\n")
            if kind == "codex":
                return self.send(429, {"error": {"type": "usage_limit_reached", "message": "The usage limit has been reached",
                    "plan_type": "plus", "resets_at": resets, "resets_in_seconds": max(0, resets - int(time.time()))}})
            self.send(429, {"type": "error", "error": {"type": "rate_limit_error", "message": "over the limit"}}, {
                "anthropic-ratelimit-unified-status": "rejected", "anthropic-ratelimit-unified-reset": str(resets),
                "anthropic-ratelimit-unified-representative-claim": "five_hour",
                "anthropic-ratelimit-unified-overage-status": "rejected", "x-should-retry": "false"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
    """#

  private let claude = "acct33"
  private let codex = "limit-codex-\(getpid())"

  private func begin(_ fleet: FleetUnderTest, resets: (claude: Int64, codex: Int64)) throws -> (RunningProcess, Int) {
    try fleet.scratch.write("\(resets.claude)", to: "resets-claude")
    try fleet.scratch.write("\(resets.codex)", to: "resets-codex")
    let script = try fleet.scratch.write(Self.provider, to: "provider.py")
    let process = try RunningProcess("/usr/bin/env", ["python3", "-u", script.string, fleet.scratch.path.string])
    guard eventually(within: 20, { process.output.contains("\n") }),
      let port = process.output.split(separator: "\n").first.flatMap({ Int($0) })
    else { throw TestFailure("the provider does not start: \(process.errors)") }
    return (process, port)
  }

  private func requests(_ kind: String, _ fleet: FleetUnderTest) -> Int {
    fleet.scratch.read("requests-\(kind)")?.split(separator: "\n").count ?? 0
  }

  private func make(_ fleet: FleetUnderTest, _ tenant: String, _ preset: Preset, yaml: String) throws {
    try fleet.makeTenant(tenant, yaml: yaml)
    try fleet.scratch.write(RealAgentsScript.configuration(preset).pretty, to: "tenants/\(tenant)/config.json")
  }

  @Test func `a provider's limit parks the account and takes no decide`() throws {
    let fleet = try FleetUnderTest(fleet: "  meter_every: 1s\n")
    let now = HostClock.system.now
    let resets = (claude: now + 25, codex: now + 7200)
    let (provider, port) = try begin(fleet, resets: resets)
    defer { withExtendedLifetime(provider) {} }
    // Its own home, with the login of a subscription: that is whose limits have an end.
    let settings: JSON = [
      "env": [
        "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-test", "ANTHROPIC_BASE_URL": .string("http://127.0.0.1:\(port)"),
        "DISABLE_TELEMETRY": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
      ]
    ]
    try fleet.scratch.write(settings.pretty, to: "home/claude/settings.json")
    try make(fleet, claude, .claude, yaml: "runner_home: \(fleet.scratch.appending("home"))\n")
    try make(fleet, codex, .codex, yaml: "")
    let home = try RealAgentsHome(codex)
    defer { withExtendedLifetime(home) {} }
    try home.write(
      """
      model = "gpt-5"
      model_provider = "mock"
      [model_providers.mock]
      name = "mock"
      base_url = "http://127.0.0.1:\(port)/v1"
      env_key = "MOCK_KEY"
      wire_api = "responses"

      """, to: "codex/config.toml")
    try fleet.start()
    for (tenant, runner) in [(claude, "claude"), (codex, "codex")] {
      #expect(
        try eventually(within: 60) {
          try fleet.tenant(tenant)?["reason"]?.string?.hasPrefix("\(runner)'s provider turned it away; its limit ends")
            == true
        }, "\(fleet.log)")
      #expect(try fleet.phase(tenant) == "held")
      let budget = try fleet.tenant(tenant)?["budget"]
      #expect(
        budget?["decides"]?["spent"]?.int == 0 && budget?["usd"]?["spent"]?.double == 0, "\(budget?.compact ?? "")")
      #expect(budget?["decides"]?["reserved"]?.int == 0)
      try fleet.scratch.write("Another goal.\n", to: "tenants/\(tenant)/goals/second.md")
    }
    let once = (requests("claude", fleet), requests("codex", fleet))
    #expect(once.0 >= 1 && once.1 >= 1)
    // Nobody asks the provider again before its time, and then claude does by itself.
    #expect(eventually(within: 60, every: 50) { requests("claude", fleet) > once.0 }, "\(fleet.log)")
    let times = (fleet.scratch.read("requests-claude") ?? "").split(separator: "\n").compactMap { Int64($0) }
    #expect(times.dropFirst(once.0).allSatisfy { $0 >= resets.claude }, "\(times), not before \(resets.claude)")
    #expect(requests("codex", fleet) == once.1)
  }
}
