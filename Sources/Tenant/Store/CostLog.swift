import CLinux
import Glibc
package import SystemPackage

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

/// `cost.jsonl`: every charge of a standalone tenant, appended, never rewritten.
package struct CostLog: Sendable {
  package let path: FilePath

  package init(_ data: DataDir) { path = data.costs }

  package func append(_ row: CostRow) throws(HostError) {
    try AppendLog(path, maximumBytes: 0).append(row.json.compact)
  }

  /// All rows that can be read, oldest first, one by one: the file may be years old. A torn line is not a row: what it would have
  /// said is still reserved.
  package func forEach(_ body: (CostRow) -> Void) throws(HostError) { try read(lastBytes: nil, body) }

  /// Today's rows stand at the end; a day's rows are far fewer bytes than this.
  private static let tail = 4 << 20

  package func recent(_ body: (CostRow) -> Void) throws(HostError) { try read(lastBytes: Self.tail, body) }

  private func read(lastBytes: Int?, _ body: (CostRow) -> Void) throws(HostError) {
    guard unsafe path.withPlatformString({ unsafe access($0, F_OK) }) == 0 || errno != ENOENT else { return }
    let file = try OwnedDescriptor(opening: path, O_RDONLY | O_NONBLOCK, operation: "read")
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0 else { throw .last("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw HostError("read", path, errno: EINVAL) }
    if let lastBytes, Int(status.st_size) > lastBytes {
      _ = lseek(file.raw, off_t(status.st_size) - off_t(lastBytes), SEEK_SET)
    }
    var splitter = LineSplitter(limit: 1 << 20)
    var buffer = [UInt8](repeating: 0, count: 65536)
    let each = { (line: [UInt8]) in
      // Losing the reason is right: see above.
      if let row = (try? JSON(parsing: line)).flatMap(CostRow.init(json:)) { body(row) }
    }
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file.raw, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .last("read", path) }
      if count == 0 { break }
      splitter.feed(Array(buffer[..<count]), each)
    }
    splitter.finish(each)
  }
}

/// RFC 3339 times, as they stand in rows.
package enum Timestamp {
  /// `2026-06-30T12:05:09Z`, with a fraction or an offset as well; `nil` for anything else.
  package static func unix(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int64? {
      guard range.upperBound <= bytes.count else { return nil }
      var value: Int64 = 0
      for byte in bytes[range] {
        guard byte >= 0x30, byte <= 0x39 else { return nil }
        value = value * 10 + Int64(byte - 0x30)
      }
      return value
    }
    guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[13] == 0x3A, bytes[16] == 0x3A,
      let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month), (1...31).contains(day),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    var rest = bytes[19...]
    if rest.first == 0x2E { rest = rest.dropFirst().drop { $0 >= 0x30 && $0 <= 0x39 } }
    var offset: Int64 = 0
    switch rest.first {
    case UInt8(ascii: "Z"), UInt8(ascii: "z"): break
    case let sign? where sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"):
      let start = rest.startIndex
      guard let hours = number(start + 1..<start + 3), let minutes = number(start + 4..<start + 6) else { return nil }
      offset = (hours * 60 + minutes) * 60 * (sign == UInt8(ascii: "-") ? -1 : 1)
    default: return nil
    }
    return CivilDate(year: year, month: month, day: day).ordinal * 86400 + hour * 3600 + minute * 60 + second - offset
  }
}
