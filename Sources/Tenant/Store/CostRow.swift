import CLinux
import Glibc
import SystemPackage

/// One row of `cost.jsonl`: `{"ts","kind":"tick"|"session","id","runner","cost_usd"}` as looop wrote it, and of ours `source`,
/// `model`, `session` and `tokens`.
package struct CostRow: Hashable, Sendable {
  /// How sure the amount is.
  package enum Source: String, Sendable, CaseIterable {
    /// The runner said so.
    case reported
    /// Tokens times the model's list price.
    case priced
    /// Nothing better is known than that it cannot have been more.
    case bound
  }

  package var ts: Int64
  package var kind: String
  package var id: String
  package var runner: String
  package var microUSD: Int64
  package var source: Source?
  package var model: String?
  package var session: String?
  package var tokens: TokenCount?

  package init(
    ts: Int64, kind: String, id: String, runner: String, microUSD: Int64, source: Source? = nil, model: String? = nil,
    session: String? = nil, tokens: TokenCount? = nil
  ) {
    self.ts = ts
    self.kind = kind
    self.id = id
    self.runner = runner
    self.microUSD = microUSD
    self.source = source
    self.model = model
    self.session = session
    self.tokens = tokens
  }

  package var json: JSON {
    var json: JSON = [
      "ts": .string(LocalTime.utc(ts).rfc3339), "kind": .string(kind), "id": .string(id), "runner": .string(runner),
      "cost_usd": .double(Double(microUSD) / 1e6),
    ]
    json["source"] = source.map { .string($0.rawValue) }
    json["model"] = model.map(JSON.string)
    json["session"] = session.map(JSON.string)
    json["tokens"] = tokens?.json
    return json
  }

  package init?(json: JSON) {
    guard let ts = json["ts"]?.string.flatMap(Timestamp.unix), let cost = json["cost_usd"]?.double, cost.isFinite,
      cost >= 0
    else { return nil }
    self.ts = ts
    kind = json["kind"]?.string ?? "tick"
    id = json["id"]?.string ?? ""
    runner = json["runner"]?.string ?? "unknown"
    microUSD = Money.microUSD(cost)
    source = json["source"]?.string.flatMap(Source.init(rawValue:))
    model = json["model"]?.string
    session = json["session"]?.string
    tokens = json["tokens"].flatMap(TokenCount.init(json:))
  }
}
