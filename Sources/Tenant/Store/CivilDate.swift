/// A date on the calendar, without a time and without a zone: the key under which a day's money is kept.
///
/// *Shape*: `2026-03-29`. Internally the number of days since 1970-01-01 (proleptic Gregorian), so that dates compare and step
/// without a calendar library. Source of the conversion: the "days from civil" algorithm, eras of 400 years starting in March.
package struct CivilDate: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Days since 1970-01-01.
  package let ordinal: Int64

  package init(ordinal: Int64) { self.ordinal = ordinal }

  package init(year: Int64, month: Int64, day: Int64) {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    ordinal = era * 146_097 + dayOfEra - 719_468
  }

  /// Exactly `YYYY-MM-DD`, a date that exists.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
      let year = Int64(parts[0]), let month = Int64(parts[1]), let day = Int64(parts[2]),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    self.init(year: year, month: month, day: day)
    guard description == text else { return nil }
  }

  /// The date that is shown by a clock in UTC at this Unix time.
  package init(utc seconds: Int64) {
    let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
    ordinal = rest < 0 ? days - 1 : days
  }

  package init(_ time: LocalTime) {
    self.init(year: Int64(time.year), month: Int64(time.month), day: Int64(time.day))
  }

  package var components: (year: Int64, month: Int64, day: Int64) {
    let shifted = ordinal + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  package var description: String {
    let (year, month, day) = components
    return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
  }

  package func advanced(by days: Int64) -> CivilDate { CivilDate(ordinal: ordinal + days) }

  package static func < (left: CivilDate, right: CivilDate) -> Bool { left.ordinal < right.ordinal }

  package static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
