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
    #expect(text.contains("# TYPE looop_fleet_beats_total counter\n"))
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
