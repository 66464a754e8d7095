import Fleet
import Tenant
import Testing

@Suite struct FleetRefusalTests {
  static let table: [(FleetRefusal.Class, http: Int, exit: Int32)] = [
    (.invalidArgument, 400, 1), (.permissionDenied, 403, 1), (.notFound, 404, 1), (.noSuchAsk, 404, 5),
    (.alreadyAnswered, 409, 4), (.conflict, 409, 1), (.tooLarge, 413, 1), (.tooManyRequests, 429, 1),
    (.unavailable, 503, 1), (.notRunning, 503, 3), (.timeout, 504, 1), (.internal, 500, 1),
  ]

  @Test(arguments: table)
  func `one table says status and exit`(row: (FleetRefusal.Class, http: Int, exit: Int32)) {
    #expect(row.0.statuses.http == row.http)
    #expect(row.0.statuses.exit == row.exit)
  }

  @Test func `every class is in the table`() {
    #expect(Set(Self.table.map(\.0)) == Set(FleetRefusal.Class.allCases))
  }

  @Test(arguments: FleetRefusal.Class.allCases)
  func `a problem document comes back as it was`(class: FleetRefusal.Class) {
    let refusal = FleetRefusal(`class`, "what and why", hint: "what to do")
    #expect(FleetRefusal(json: refusal.json) == refusal)
  }

  @Test func `a newer fleet's code is still a refusal`() {
    let json: JSON = ["error": ["code": "brand_new", "message": "m", "hint": .null]]
    #expect(FleetRefusal(json: json) == FleetRefusal(.internal, "m"))
    #expect(FleetRefusal(json: ["ok": true]) == nil)
  }
}
