/// Which pending asks a waiting caller knows, one mark for each, so that only a new one wakes it and an answered one never does.
enum AskMarks: Hashable, Sendable {
  /// As they are: mark → when it was asked.
  case read([UInt32: Int64])
  /// Of a token.
  case listed(Set<UInt32>)
  /// Of a token that has no room for so many: `count` asks up to the second `newest`, of which those of that second are `marks` (empty
  /// where they are too many as well). An ask that comes with an older time just when another was answered is not told apart from it.
  case folded(newest: Int64, count: Int, marks: Set<UInt32>)

  /// More than this have no room in a token.
  static let maximumListed = 100

  private var times: [UInt32: Int64] { if case .read(let times) = self { times } else { [:] } }

  /// Whether one is pending that `old` does not know.
  func hasMore(than old: AskMarks) -> Bool {
    switch old {
    case .read(let known): times.keys.contains { known[$0] == nil }
    case .listed(let known): times.keys.contains { !known.contains($0) }
    case .folded(let newest, let count, let marks):
      times.values.contains { $0 > newest } || times.values.count { $0 <= newest } > count
        || (!marks.isEmpty && times.contains { $0.value == newest && !marks.contains($0.key) })
    }
  }

  /// What is known, less what is pending no more: a later ask with the same mark is news.
  func forgetting(allBut current: AskMarks) -> AskMarks {
    let times = current.times
    switch self {
    case .read(let known): return .read(known.filter { times[$0.key] != nil })
    case .listed(let known): return .listed(known.filter { times[$0] != nil })
    case .folded(let newest, let count, let marks):
      return .folded(
        newest: newest, count: min(count, times.values.count { $0 <= newest }),
        marks: marks.filter { times[$0] != nil })
    }
  }

  /// `<mark>-<mark>…`, or `_<newest>-<count>-<mark>…`
  var token: String {
    func text(_ numbers: [some BinaryInteger]) -> String {
      numbers.map { String($0, radix: 36) }.joined(separator: "-")
    }
    switch self {
    case .read(let times) where times.count <= Self.maximumListed: return text(times.keys.sorted())
    case .read(let times):
      let newest = times.values.max() ?? 0
      let last = times.keys.filter { times[$0] == newest }.sorted()
      return Self.folded(
        newest: newest, count: times.count, marks: last.count > Self.maximumListed ? [] : Set(last)
      ).token
    case .listed(let marks): return text(marks.sorted())
    case .folded(let newest, let count, let marks):
      return "_" + text([newest, Int64(count)] + marks.sorted().map(Int64.init))
    }
  }

  init?(token: Substring) {
    let isFolded = token.first == "_"
    let numbers = token.dropFirst(isFolded ? 1 : 0).split(separator: "-").map { Int64($0, radix: 36) }
    let marks = numbers.dropFirst(isFolded ? 2 : 0).compactMap { $0.flatMap(UInt32.init(exactly:)) }
    guard marks.count == numbers.count - (isFolded ? 2 : 0) else { return nil }
    guard isFolded else {
      self = .listed(Set(marks))
      return
    }
    guard let newest = numbers[0], let count = numbers[1].flatMap(Int.init(exactly:)) else { return nil }
    self = .folded(newest: newest, count: count, marks: Set(marks))
  }
}
