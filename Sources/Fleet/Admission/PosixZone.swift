import Tenant

/// A POSIX time zone rule, such as `CET-1CEST,M3.5.0,M10.5.0/3`: what a zone file says about all the years after its last
/// listed transition, so in practice about today.
///
/// *Source*: POSIX.1, "Environment variables", `TZ`; hours of a rule may lie in -167...167 (RFC 8536, version 3).
struct PosixZone: Sendable, Hashable {
  /// When in a year the clock changes.
  enum Change: Sendable, Hashable {
    /// Day 1...365, where February 29 is never counted.
    case julian(Int64)
    /// Day 0...365, where February 29 is counted.
    case ordinal(Int64)
    /// A weekday (0 = Sunday) of a month, in its week 1...5, where 5 is the last.
    case weekday(month: Int64, week: Int64, day: Int64)
  }

  struct Daylight: Sendable, Hashable {
    let offset: Int64
    let start: Change, startTime: Int64
    let end: Change, endTime: Int64
  }

  let standardOffset: Int64
  let daylight: Daylight?

  init?(_ text: String) {
    var scanner = Scanner(text[...])
    guard scanner.name(), let west = scanner.offset() else { return nil }
    standardOffset = -west
    guard !scanner.atEnd else {
      daylight = nil
      return
    }
    guard scanner.name() else { return nil }
    var daylightOffset = standardOffset + 3600
    if let next = scanner.peek, next != "," {
      guard let west = scanner.offset() else { return nil }
      daylightOffset = -west
    }
    guard scanner.eat(","), let start = scanner.change(), let startTime = scanner.changeTime(), scanner.eat(","),
      let end = scanner.change(), let endTime = scanner.changeTime(), scanner.atEnd
    else { return nil }
    daylight = Daylight(
      offset: daylightOffset, start: start, startTime: startTime, end: end, endTime: endTime)
  }

  func offset(at instant: Int64) -> Int64 {
    guard let daylight else { return standardOffset }
    let year = CivilDate(utc: instant + standardOffset).components.year
    let start = Self.midnight(of: daylight.start, in: year) + daylight.startTime - standardOffset
    let end = Self.midnight(of: daylight.end, in: year) + daylight.endTime - daylight.offset
    let isDaylight = start < end ? (start <= instant && instant < end) : !(end <= instant && instant < start)
    return isDaylight ? daylight.offset : standardOffset
  }

  /// Seconds from the epoch to 00:00 of the changing day, as if local time were UTC.
  private static func midnight(of change: Change, in year: Int64) -> Int64 {
    let newYear = CivilDate(year: year, month: 1, day: 1).ordinal
    let isLeap = CivilDate(year: year + 1, month: 1, day: 1).ordinal - newYear == 366
    switch change {
    case .julian(let day): return (newYear + day - 1 + (isLeap && day >= 60 ? 1 : 0)) * 86_400
    case .ordinal(let day): return (newYear + day) * 86_400
    case .weekday(let month, let week, let day):
      let first = CivilDate(year: year, month: month, day: 1).ordinal
      let length =
        (month == 12
        ? CivilDate(year: year + 1, month: 1, day: 1) : CivilDate(year: year, month: month + 1, day: 1)).ordinal
        - first
      // 1970-01-01 was a Thursday, weekday 4.
      let weekdayOfFirst = ((first + 4) % 7 + 7) % 7
      var dayOfMonth = (day - weekdayOfFirst + 7) % 7 + (week - 1) * 7
      if dayOfMonth >= length { dayOfMonth -= 7 }
      return (first + dayOfMonth) * 86_400
    }
  }
}

/// Reads the pieces of a rule from left to right.
private struct Scanner {
  private var text: Substring

  init(_ text: Substring) { self.text = text }

  var atEnd: Bool { text.isEmpty }
  var peek: Character? { text.first }

  mutating func eat(_ character: Character) -> Bool {
    guard text.first == character else { return false }
    text.removeFirst()
    return true
  }

  mutating func name() -> Bool {
    if eat("<") {
      guard let close = text.firstIndex(of: ">") else { return false }
      text = text[text.index(after: close)...]
      return true
    }
    let letters = text.prefix { $0.isASCII && $0.isLetter }
    text = text.dropFirst(letters.count)
    return letters.count >= 3
  }

  mutating func number(upTo highest: Int64) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let value = Int64(digits), value <= highest else { return nil }
    text = text.dropFirst(digits.count)
    return value
  }

  /// `[+|-]hh[:mm[:ss]]` in seconds.
  mutating func offset() -> Int64? {
    let negative = eat("-")
    if !negative { _ = eat("+") }
    guard let hours = number(upTo: 167) else { return nil }
    var seconds = hours * 3600
    for unit in [Int64(60), 1] {
      guard eat(":") else { break }
      guard let part = number(upTo: 59) else { return nil }
      seconds += part * unit
    }
    return negative ? -seconds : seconds
  }

  mutating func change() -> PosixZone.Change? {
    if eat("J") { return number(upTo: 365).flatMap { $0 > 0 ? .julian($0) : nil } }
    guard eat("M") else { return number(upTo: 365).map { .ordinal($0) } }
    guard let month = number(upTo: 12), month > 0, eat("."), let week = number(upTo: 5), week > 0, eat("."),
      let day = number(upTo: 6)
    else { return nil }
    return .weekday(month: month, week: week, day: day)
  }

  /// `/time`, or two in the morning when it is left out.
  mutating func changeTime() -> Int64? { eat("/") ? offset() : 7200 }
}
