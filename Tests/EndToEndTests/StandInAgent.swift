import SystemPackage
import Tenant
import TestSupport

/// A program in the place of `claude` (or of another agent), in a fleet under test: as a decide it prints the events that the test has laid
/// down and keeps a transcript of one call, as the real one does; as a worker it writes the calls that the test orders to a transcript. Each start leaves a line, so that a run that must not be
/// can be told.
struct StandInAgent {
  let fleet: FleetUnderTest
  let program: FilePath

  static let model = "claude-sonnet-4-5"
  /// What a worker's call costs in micro-dollars: 4,000 tokens of output at $15 a million.
  static let call: Int64 = 60_000

  private static let script = #"""
    #!/bin/bash
    data=$LOOOP_DATA_DIR
    home=${CLAUDE_CONFIG_DIR:-$HOME/.claude}
    mkdir -p "$home/projects/p"
    write() {
      printf '{"type":"assistant","sessionId":"%s","cwd":"%s","timestamp":"%s","requestId":"%s","message":{"id":"m%s","model":"claude-sonnet-4-5","usage":{"input_tokens":0,"output_tokens":4000}}}\n' \
        "$1" "$PWD" "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$2" "$3" >>"$home/projects/p/$1.jsonl"
    }
    if [ -z "${LOOOP_SESSION_ID:-}" ]; then
      cat >/dev/null
      echo "$$" >>"$data/ticks"
      id=t$$-$RANDOM
      resets=$(($(date +%s) + 12))
      echo "$resets" >"$data/resets"
      sed -e "s/RUN/$id/g" -e "s/\"RESETS\"/$resets/g" "$data/tick.ndjson"
      write "$id" "q$id" 1
      exit 0
    fi
    id=$LOOOP_SESSION_ID
    echo "$id" >>"$data/workers-begun"
    n=0
    while [ ! -e "$data/finish-$id" ]; do
      if [ -e "$data/spend-$id-$((n + 1))" ]; then
        n=$((n + 1))
        write "s-$id" "q$id-$n" "$n"
      fi
      sleep 0.05
    done
    """#

  init(_ fleet: FleetUnderTest, named name: String = "claude") throws {
    self.fleet = fleet
    program = try fleet.scratch.write(Self.script, to: "bin/\(name)", mode: 0o755)
  }

  var command: String { "\(program) --model \(Self.model)" }

  /// A tenant whose decides and workers are this agent's.
  func makeTenant(_ name: String, tick: [JSON], yaml: String = "") throws {
    try fleet.makeTenant(name, yaml: "runner_home: \(fleet.scratch.appending("home-\(name)"))\n\(yaml)")
    let configuration: JSON = [
      "tick_command": .string(command), "worker_command": .string("\(command) {{prompt_file}}"),
    ]
    try fleet.scratch.write(configuration.pretty, to: "tenants/\(name)/config.json")
    try say(tick, to: name)
  }

  /// What its next decides print.
  func say(_ events: [JSON], to tenant: String) throws {
    try fleet.scratch.write(events.map { $0.compact + "\n" }.joined(), to: "tenants/\(tenant)/tick.ndjson")
  }

  /// A decide that costs this much and does nothing.
  static func noop(usd: Double, tokens: Int64 = 4000) -> [JSON] {
    [
      ["type": "system", "subtype": "init", "session_id": "RUN", "model": .string(model)],
      [
        "type": "result", "subtype": "success", "is_error": false, "result": #"{"action":"noop"}"#, "session_id": "RUN",
        "total_cost_usd": .double(usd), "usage": ["input_tokens": 0, "output_tokens": .int(tokens)],
      ],
    ]
  }

  func ticks(_ tenant: String) -> Int {
    fleet.scratch.read("tenants/\(tenant)/ticks")?.split(separator: "\n").count ?? 0
  }

  /// The world of the tenant changes: it wants to decide.
  func edit(_ tenant: String, _ goal: String) throws {
    try fleet.scratch.write("\(goal)\n", to: "tenants/\(tenant)/goals/goal.md")
  }

  func spend(_ number: Int, _ worker: String, of tenant: String) throws {
    try fleet.scratch.write("", to: "tenants/\(tenant)/spend-\(worker)-\(number)")
  }

  func finish(_ worker: String, of tenant: String) throws {
    try fleet.scratch.write("", to: "tenants/\(tenant)/finish-\(worker)")
  }
}

extension FleetUnderTest {
  /// What the fleet's ledger says of this tenant's day, in micro-dollars.
  func spent(_ tenant: String) throws -> Int64? {
    try self.tenant(tenant)?["budget"]?["usd"]?["spent"]?.double.map(Money.microUSD)
  }
}
