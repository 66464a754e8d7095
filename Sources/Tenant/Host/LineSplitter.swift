/// Cuts a byte stream into lines, whatever the chunks. A line has a bound: a runner that never ends one must not eat our
/// memory. What is over the bound is dropped and the line counts as torn.
package struct LineSplitter: Sendable {
  /// One event of a runner carries at most one tool result; the largest seen are below 2 MiB.
  package static let maximumLine = 8 << 20

  private var pending: [UInt8] = []
  private let limit: Int

  package init(limit: Int = Self.maximumLine) { self.limit = limit }

  package mutating func feed(_ bytes: [UInt8], _ each: ([UInt8]) -> Void) {
    var rest = bytes[...]
    while let newline = rest.firstIndex(of: 0x0A) {
      keep(rest[..<newline])
      rest = rest[(newline + 1)...]
      flush(each)
    }
    keep(rest)
  }

  /// The last line, if it has no newline.
  package mutating func finish(_ each: ([UInt8]) -> Void) {
    if !pending.isEmpty { flush(each) }
  }

  private mutating func keep(_ bytes: ArraySlice<UInt8>) {
    let room = limit - pending.count
    if room > 0 { pending.append(contentsOf: bytes.prefix(room)) }
  }

  private mutating func flush(_ each: ([UInt8]) -> Void) {
    if pending.last == 0x0D { pending.removeLast() }
    each(pending)
    pending.removeAll(keepingCapacity: pending.capacity < 1 << 20)
  }
}
