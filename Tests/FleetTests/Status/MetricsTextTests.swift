import Fleet
import Testing

@Suite struct MetricsTextTests {
  @Test func `each metric is described once and its lines stand together`() async {
    let fleet = InMemoryFleet()
    let text = MetricsText.render(await fleet.document(), samples: await fleet.samples())
    let lines = text.split(separator: "\n")
    var seen: Set<Substring> = []
    var current: Substring = ""
    for line in lines {
      if line.hasPrefix("# HELP ") {
        current = line.split(separator: " ")[2]
        #expect(seen.insert(current).inserted, "\(current) stands in two places")
      } else if !line.hasPrefix("#") {
        #expect(line.prefix { $0 != "{" && $0 != " " } == current)
      }
    }
    #expect(text.hasSuffix("\n"))
    #expect(text.contains("looop_fleet_budget_cap{axis=\"usd\",tenant=\"web\"} 20\n"))
    #expect(text.contains("looop_fleet_spent_today_usd 2.4\n"))
    #expect(text.contains("looop_fleet_tenant_cpu_seconds_total{tenant=\"web\"} 12.5\n"))
    #expect(text.contains("looop_fleet_tenant_memory_bytes{tenant=\"web\"} 67108864\n"))
    #expect(text.contains("# TYPE looop_fleet_beats_total counter\n"))
  }

  /// The rules of the text format that a scraper and `promtool check metrics` hold one to.
  @Test func `each line is as the format wants it, and no series stands twice`() async throws {
    let fleet = InMemoryFleet()
    let text = MetricsText.render(await fleet.document(), samples: await fleet.samples())
    let comment = /# (HELP|TYPE) ([a-z_][a-z0-9_]*) (.+)/
    let sample = /([a-z_][a-z0-9_]*)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (\S+)/
    var types: [Substring: Substring] = [:]
    var series: Set<String> = []
    var isDescribed = false
    for line in text.split(separator: "\n") {
      if let found = line.wholeMatch(of: comment) {
        if found.1 == "HELP" {
          #expect(found.3.hasSuffix("."), "\(line)")
          isDescribed = true
        } else {
          #expect(isDescribed && ["gauge", "counter"].contains(found.3), "\(line)")
          #expect(types.updateValue(found.3, forKey: found.2) == nil)
          #expect((found.3 == "counter") == found.2.hasSuffix("_total"), "\(line)")
          isDescribed = false
        }
      } else {
        let found = try #require(line.wholeMatch(of: sample), "\(line)")
        #expect(types[found.1] != nil, "\(line) has no type")
        #expect(Double(found.3) != nil, "\(line)")
        #expect(series.insert("\(found.1)\(found.2 ?? "")").inserted, "\(line) stands twice")
      }
    }
    #expect(series.count > 20)
  }

  @Test func `a label's value cannot break out of its quotes`() {
    var document = FleetDocument(
      pid: 1, version: "a\"b\\c\nd", uptimeSeconds: 0, isolation: .user, beatsInFlight: 0, decidesInFlight: 0,
      workers: .init(), asksPending: 0, spentToday: 0, guards: [], tenants: [])
    #expect(MetricsText.render(document).contains(#"version="a\"b\\c\nd""#))
    document.version = "1"
    #expect(MetricsText.render(document).contains("looop_fleet_info{isolation=\"user\",version=\"1\"} 1\n"))
  }
}
