import Tenant
import TestSupport
import Testing

struct JSONMembersTests {
  /// Few and many, so that both ways of looking are taken.
  @Test(arguments: 1...40 as ClosedRange<UInt64>) func `behave as a table of the same members`(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var table: [String: JSON] = [:]
    var members = JSONMembers()
    for step in 0..<200 {
      let key = "k\(Int.random(in: 0..<24, using: &random))"
      let value: JSON? = Bool.random(using: &random) ? .int(Int64(step)) : nil
      table[key] = value
      members[key] = value
      #expect(members[key] == value)
      #expect(members.count == table.count)
    }
    for index in 0..<24 { #expect(members["k\(index)"] == table["k\(index)"]) }
    #expect(members.keys == table.keys.sorted())
    #expect(members == JSONMembers(table))
    #expect(members.compactMapValues(\.int) == table.compactMapValues(\.int))
  }

  @Test(arguments: [
    (#"{"b":1,"a":2}"#, #"{"a":2,"b":1}"#), (#"{"a":1,"a":2}"#, #"{"a":2}"#),
    (#"{"b":1,"a":2,"b":3,"a":4}"#, #"{"a":4,"b":3}"#), (#"{"a":{"z":1,"y":2}}"#, #"{"a":{"y":2,"z":1}}"#),
    // By bytes: a capital comes before a small letter, a longer key after its beginning.
    (#"{"b":1,"B":2,"ba":3}"#, #"{"B":2,"b":1,"ba":3}"#), ("{}", "{}"),
  ]) func `of a text come sorted, the last of each key`(_ text: String, _ sorted: String) throws {
    #expect(try JSON(parsing: text).compact == sorted)
  }

  /// One text in two spellings: both are kept, and nothing breaks on them.
  @Test func `may differ in nothing but their bytes`() throws {
    let json = try JSON(parsing: "{\"e\u{301}\":1,\"\u{E9}\":2}")
    #expect(json.object?.count == 2)
    #expect(json.object?.mapValues(\.self).count == 1)
  }
}
