package import Tenant
internal import Yams

/// An operator's own prices: a contract's, a gateway's, a model that the shipped table does not know.
///
/// *Shape*, in US dollars per million tokens; `from` may be left out and is then "always":
/// ```yaml
/// models:
///   gpt-5: { input: 1.00, cache_read: 0.10, cache_write: 1.00, output: 8, from: 2026-07-01 }
/// ```
package struct PriceListFile: Sendable {
  private static let keys = ["input", "cache_read", "cache_write", "cache_write_long", "output", "from"]

  package static func parse(_ text: String, file: String) -> (prices: [ModelPrice]?, problems: [ConfigurationProblem]) {
    var reader = DocumentReader(file: file)
    let document = reader.document(text)
    let top = reader.entries(document, "a price list", known: ["models"])
    var prices: [ModelPrice] = []
    for (key, name, value) in reader.pairs(top["models"], "`models:`") {
      let entries = reader.entries(value, "`\(name)`", known: keys)
      func price(_ key: String) -> Int64? {
        guard let node = entries[key] else { return nil }
        guard let text = reader.text(node, key) else { return nil }
        guard let dollars = MicroUSD(decimal: text) else {
          reader.refuse(node, "`\(key)` must be USD per million tokens such as 2.50, not `\(text)`")
          return nil
        }
        return dollars.micros
      }
      guard let input = price("input"), let output = price("output") else {
        if entries["input"] == nil || entries["output"] == nil {
          reader.refuse(key, "`\(name)` needs at least `input` and `output`")
        }
        continue
      }
      let cacheWrite = price("cache_write") ?? input
      var from = CivilDate(ordinal: 0)
      if let node = entries["from"], let text = reader.text(node, "from") {
        if let date = CivilDate(text) {
          from = date
        } else {
          reader.refuse(node, "`from` must be a date such as 2026-07-01")
        }
      }
      // What is left out is priced like fresh input: never too low.
      prices.append(
        ModelPrice(
          model: PriceTable.canonical(name), from: from, input: input, cacheRead: price("cache_read") ?? input,
          cacheWrite: cacheWrite, cacheWriteLong: price("cache_write_long") ?? cacheWrite, output: output))
    }
    return (reader.problems.isEmpty ? prices : nil, reader.problems)
  }
}
