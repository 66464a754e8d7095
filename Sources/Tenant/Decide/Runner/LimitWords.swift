import Glibc

/// When a provider's limit ends, from the sentence that a person is meant to read. codex says it in no other way to its own stream.
///
/// *Shape*: `Try again in 3 hours 12 minutes.`, `… in less than a minute`, `Try again at 5:14 PM.`, `… at Nov 25th, 2026 5:14 PM.`; the
/// clock is that of the machine.
enum LimitWords {
  private static let longest: Int64 = 40 * 86_400

  /// Unix seconds; nil where the sentence names no time that could be meant.
  static func end(_ sentence: String, now: Int64) -> Int64? {
    let text = sentence.lowercased()
    if let start = text.firstRange(ofText: "try again in ") { return span(words(text[start...])).map { now + $0 } }
    guard let start = text.firstRange(ofText: "try again at ") else { return nil }
    return moment(words(text[start...]), now: now)
  }

  /// Up to the sentence's end, without its commas and points.
  private static func words(_ text: Substring) -> [Substring] {
    text.prefix { $0 != "\n" && $0 != "\"" }.split { $0 == " " || $0 == "," || $0 == "." || $0 == "(" || $0 == ")" }
  }

  private static func span(_ words: [Substring]) -> Int64? {
    // "less than a minute"
    if words.starts(with: ["less", "than"]) { return 60 }
    var seconds: Int64 = 0
    var rest = words[...]
    while rest.count >= 2, let number = Int64(rest[rest.startIndex]), (0...100_000).contains(number),
      let unit = unit(rest[rest.startIndex + 1])
    {
      seconds += number * unit
      rest = rest.dropFirst(2)
      if rest.first == "and" { rest = rest.dropFirst() }
    }
    return seconds > 0 && seconds <= longest ? seconds : nil
  }

  private static func unit(_ word: Substring) -> Int64? {
    switch word {
    case "day", "days": 86_400
    case "hour", "hours": 3600
    case "minute", "minutes": 60
    case "second", "seconds": 1
    default: nil
    }
  }

  private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

  private static func moment(_ words: [Substring], now: Int64) -> Int64? {
    let today = LocalTime(now)
    var rest = words[...]
    var date = (year: today.year, month: today.month, day: today.day)
    var isDated = false
    if let first = rest.first, let month = months.firstIndex(of: String(first.prefix(3))), rest.count >= 3,
      let day = Int(rest[rest.startIndex + 1].prefix { $0.isASCII && $0.isNumber }),
      let year = Int(rest[rest.startIndex + 2]),
      (1...31).contains(day), (1970...9999).contains(year)
    {
      date = (year, month + 1, day)
      isDated = true
      rest = rest.dropFirst(3)
    }
    guard let time = rest.first, rest.count >= 2 else { return nil }
    let parts = time.split(separator: ":")
    let half = rest[rest.startIndex + 1]
    guard parts.count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]), (1...12).contains(hour),
      (0...59).contains(minute), half == "am" || half == "pm"
    else { return nil }
    func unix(_ day: Int) -> Int64 {
      var parts = unsafe tm()
      unsafe parts.tm_year = CInt(date.year - 1900)
      unsafe parts.tm_mon = CInt(date.month - 1)
      unsafe parts.tm_mday = CInt(day)
      unsafe parts.tm_hour = CInt(hour % 12 + (half == "pm" ? 12 : 0))
      unsafe parts.tm_min = CInt(minute)
      unsafe parts.tm_isdst = -1
      return Int64(unsafe mktime(&parts))
    }
    let end = unix(date.day)
    // A time of day that is over is tomorrow's.
    if end <= now { return isDated ? nil : unix(date.day + 1) }
    return end - now <= longest ? end : nil
  }
}
