package import Tenant

/// The rules of one time zone, read from the bytes of a compiled zone file: how far local time is from UTC at any instant, and
/// so where its days begin. Own code rather than a calendar library, because the daily budget must follow the host's zone data
/// (the distribution updates it), must not depend on a process-wide `TZ`, and must be decidable from values alone.
///
/// *Source*: RFC 8536 (TZif, versions 1 to 3). Instants past the last transition follow the file's footer, a POSIX rule.
package struct ZoneRules: Sendable, Hashable {
  /// As in the configuration, `Europe/Berlin`.
  package let name: String
  private let transitions: [Int64]
  /// The offset from each transition on; as long as `transitions`.
  private let offsets: [Int64]
  private let initialOffset: Int64
  private let footer: PosixZone?

  private static let furthest: Int64 = 26 * 3600

  package static let utc = ZoneRules(name: "UTC", offsetSeconds: 0)

  /// A zone that never changes.
  package init(name: String, offsetSeconds: Int64) {
    self.name = name
    transitions = []
    offsets = []
    initialOffset = offsetSeconds
    footer = nil
  }

  /// The contents of a compiled zone file; nil if they are not one.
  package init?(name: String, contents: [UInt8]) {
    var reader = BigEndianReader(contents)
    guard let first = ZoneBlock.Header(&reader) else { return nil }
    var block: ZoneBlock?
    var footer: PosixZone?
    if first.version >= UInt8(ascii: "2") {
      guard reader.skip(first.size(timeWidth: 4)), let second = ZoneBlock.Header(&reader) else { return nil }
      block = ZoneBlock(&reader, second, timeWidth: 8)
      footer = PosixZone(String(decoding: reader.rest().drop { $0 == 10 }.prefix { $0 != 10 }, as: UTF8.self))
    } else {
      block = ZoneBlock(&reader, first, timeWidth: 4)
    }
    guard let block else { return nil }
    self.name = name
    transitions = block.transitions
    offsets = block.offsets
    initialOffset = block.initialOffset
    self.footer = footer
  }

  /// Seconds that local time is ahead of UTC.
  package func offset(at instant: Int64) -> Int64 {
    guard let last = transitions.last, instant < last else {
      return footer?.offset(at: instant) ?? offsets.last ?? initialOffset
    }
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] <= instant { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? initialOffset : offsets[low - 1]
  }

  /// The date that a clock on the wall of this zone shows.
  package func date(at instant: Int64) -> CivilDate { CivilDate(utc: instant + offset(at: instant)) }

  /// *Shape*: `15:40`.
  package func clockTime(at instant: Int64) -> String {
    let local = instant + offset(at: instant)
    let minutes = (local - CivilDate(utc: local).ordinal * 86_400) / 60
    return "\(CivilDate.padded(minutes / 60, 2)):\(CivilDate.padded(minutes % 60, 2))"
  }

  /// The first instant at which the wall shows this date or a later one. Midnight does not exist on every date (some zones go
  /// forward at 00:00) and one date of some zones never was, hence a search and not a subtraction.
  package func start(of date: CivilDate) -> Int64 {
    let midnight = date.ordinal * 86_400
    func reached(_ instant: Int64) -> Bool { instant + offset(at: instant) >= midnight }
    // Offsets lie within 26 hours of UTC. It is not before midnight by the furthest ahead of those around it.
    let around = stride(from: midnight - Self.furthest, through: midnight + Self.furthest, by: 6 * 3600)
    var high = midnight - (around.map(offset(at:)).max() ?? Self.furthest)
    // No two changes of a zone share a quarter of an hour.
    while !reached(high) { high += 900 }
    var low = high - 900
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if reached(middle) { high = middle } else { low = middle }
    }
    return high
  }
}

/// The data block of a zone file.
private struct ZoneBlock {
  struct Header {
    let version: UInt8
    let utcFlags: Int, standardFlags: Int, leaps: Int, times: Int, types: Int, characters: Int

    init?(_ reader: inout BigEndianReader) {
      guard reader.take(4) == Array("TZif".utf8), let version = reader.take(1)?.first, reader.skip(15) else {
        return nil
      }
      var counts: [Int] = []
      for _ in 0..<6 {
        guard let count = reader.integer(width: 4), (0...100_000).contains(count) else { return nil }
        counts.append(Int(count))
      }
      self.version = version
      (utcFlags, standardFlags, leaps) = (counts[0], counts[1], counts[2])
      (times, types, characters) = (counts[3], counts[4], counts[5])
    }

    func size(timeWidth: Int) -> Int {
      times * timeWidth + times + types * 6 + characters + leaps * (timeWidth + 4) + standardFlags + utcFlags
    }
  }

  var transitions: [Int64] = []
  var offsets: [Int64] = []
  var initialOffset: Int64 = 0

  init?(_ reader: inout BigEndianReader, _ header: Header, timeWidth: Int) {
    for _ in 0..<header.times {
      guard let time = reader.integer(width: timeWidth) else { return nil }
      transitions.append(time)
    }
    guard let indices = reader.take(header.times), header.types > 0 else { return nil }
    var types: [Int64] = []
    for _ in 0..<header.types {
      guard let offset = reader.integer(width: 4), abs(offset) < 26 * 3600, reader.skip(2) else { return nil }
      types.append(offset)
    }
    guard indices.allSatisfy({ Int($0) < types.count }),
      reader.skip(header.characters + header.leaps * (timeWidth + 4) + header.standardFlags + header.utcFlags)
    else { return nil }
    offsets = indices.map { types[Int($0)] }
    initialOffset = types[0]
    guard zip(transitions, transitions.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
  }
}

/// A cursor over bytes in network order that answers nil instead of running past the end.
private struct BigEndianReader {
  private var bytes: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

  mutating func take(_ count: Int) -> [UInt8]? {
    guard count <= bytes.count else { return nil }
    defer { bytes = bytes.dropFirst(count) }
    return Array(bytes.prefix(count))
  }

  mutating func skip(_ count: Int) -> Bool { take(count) != nil }

  mutating func integer(width: Int) -> Int64? {
    guard let taken = take(width) else { return nil }
    let bits = taken.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return width == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
  }

  func rest() -> ArraySlice<UInt8> { bytes }
}
