import TestSupport
import Testing

@testable import Fleet
@testable import Tenant

/// Dates, zones and the budget's day.
@Suite struct CalendarTests {
  private static let zones = ZoneDirectory.system
  static let hasZones = zones.zone("Europe/Berlin") != nil

  private func zone(_ name: String) throws -> ZoneRules { try #require(Self.zones.zone(name)) }

  /// Unix seconds of a UTC moment.
  private static func utc(_ date: String, _ hour: Int64 = 0, _ minute: Int64 = 0) -> Int64 {
    CivilDate(date)!.ordinal * 86_400 + hour * 3600 + minute * 60
  }

  @Test(arguments: [
    ("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2026-03-29", 20_541), ("2100-03-01", 47_541),
  ])
  func `dates`(text: String, ordinal: Int64) {
    #expect(CivilDate(text)?.ordinal == ordinal)
    #expect(CivilDate(ordinal: ordinal).description == text)
  }

  @Test func `every day of two centuries follows the one before`() {
    var date = CivilDate("1900-01-01")!
    for _ in 0..<73_000 {
      let (year, month, day) = date.components
      #expect(CivilDate(year: year, month: month, day: day) == date)
      date = date.advanced(by: 1)
    }
  }

  @Test(arguments: ["2026-13-01", "2026-02-30", "2026-2-3", "26-02-03", "2026-02-03x", "", "2025-02-29"])
  func `what is no date`(text: String) { #expect(CivilDate(text) == nil) }

  @Test(.enabled(if: hasZones, "needs the host's time zone data"))
  func `offsets agree with the system's own calendar, now and in a hundred years`() throws {
    var random = SeededGenerator(seed: 3)
    let instants = (0..<400).map { _ in Int64.random(in: -2_000_000_000...5_000_000_000, using: &random) }
    let input = instants.map { "@\($0)\n" }.joined()
    for name in [
      "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana", "Africa/Casablanca",
      "Pacific/Apia", "America/Sao_Paulo", "UTC", "Europe/Dublin", "America/Nuuk", "Asia/Gaza",
    ] {
      let zone = try zone(name)
      let lines = try #require(Shell.run("TZ=\(name) date -f - '+%Y-%m-%d %H:%M'", input: input)).split(separator: "\n")
      #expect(lines.count == instants.count)
      for (instant, line) in zip(instants, lines) {
        #expect("\(zone.date(at: instant)) \(zone.clockTime(at: instant))" == line, "\(name) at \(instant)")
      }
    }
  }

  @Test(
    .enabled(if: hasZones, "needs the host's time zone data"),
    arguments: [
      // The day's start and end in UTC, and its length in hours.
      ("Europe/Berlin", "2026-03-29", utc("2026-03-28", 23), 23),
      ("Europe/Berlin", "2026-10-25", utc("2026-10-24", 22), 25),
      ("Europe/Berlin", "2026-07-01", utc("2026-06-30", 22), 24),
      ("America/New_York", "2026-03-08", utc("2026-03-08", 5), 23),
      ("America/New_York", "2026-11-01", utc("2026-11-01", 4), 25),
      ("America/New_York", "2057-03-11", utc("2057-03-11", 5), 23),
      // Midnight does not exist there on that day; the date before never existed here.
      ("America/Havana", "2026-03-08", utc("2026-03-08", 5), 23),
      ("Pacific/Apia", "2011-12-31", utc("2011-12-30", 10), 24),
    ])
  func `a day begins at its first instant`(name: String, date: String, start: Int64, hours: Int64) throws {
    let zone = try zone(name)
    let date = CivilDate(date)!
    #expect(zone.start(of: date) == start)
    #expect(zone.start(of: date.advanced(by: 1)) - start == hours * 3600)
    #expect(zone.date(at: start) == date)
    #expect(zone.date(at: start - 1) < date)
  }

  @Test(arguments: ["", "TZ", "TZif", "TZif2" + String(repeating: "\0", count: 15) + "\u{1}\u{1}\u{1}\u{1}"])
  func `what is no zone file is refused`(text: String) {
    #expect(ZoneRules(name: "x", contents: Array(text.utf8)) == nil)
  }

  @Test(.enabled(if: hasZones, "needs the host's time zone data"))
  func `a cut or damaged zone file never traps`() throws {
    let bytes = try ZoneFiles.bytes("Europe/Berlin")
    for length in stride(from: 0, to: bytes.count, by: 7) {
      _ = ZoneRules(name: "x", contents: Array(bytes.prefix(length)))
    }
    var random = SeededGenerator(seed: 11)
    for _ in 0..<500 {
      var bytes = bytes
      for _ in 0..<4 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = ZoneRules(name: "x", contents: bytes)?.date(at: 1_785_153_600)
    }
  }

  @Test(arguments: ["../../etc/passwd", "/etc/passwd", "Europe/../Europe/Berlin", "", "Europe/ Berlin", "Nowhere/Here"])
  func `what is no zone's name is none`(name: String) { #expect(Self.zones.zone(name) == nil) }

  // MARK: - The budget's day

  private func reading(_ wall: Int64, boot: Int64, id: String = "b1") -> ClockReading {
    ClockReading(wall: wall, sinceBoot: boot, bootID: id)
  }

  @Test func `it follows the calendar`() {
    let noon = Self.utc("2026-07-27", 12)
    let first = BudgetClock.advanced(nil, now: reading(noon, boot: 100), zone: .utc)
    #expect(first.date == CivilDate("2026-07-27"))
    #expect(first.day(now: reading(noon, boot: 100), zone: .utc).resetsAt == Self.utc("2026-07-28"))
    let next = BudgetClock.advanced(first, now: reading(noon + 43_200, boot: 43_300), zone: .utc)
    #expect(next.date == CivilDate("2026-07-28"))
  }

  @Test func `a clock that steps back opens no old day`() {
    let noon = Self.utc("2026-07-27", 12)
    var clock = BudgetClock.advanced(nil, now: reading(noon, boot: 100), zone: .utc)
    for (lag, boot) in [(86_400, 200), (30 * 86_400, 300), (3600, 400)] as [(Int64, Int64)] {
      clock = BudgetClock.advanced(clock, now: reading(noon - lag, boot: boot), zone: .utc)
      #expect(clock.date == CivilDate("2026-07-27"))
    }
    let day = clock.day(now: reading(noon - 30 * 86_400, boot: 400), zone: .utc)
    #expect(day.resetsAt <= noon - 30 * 86_400 + 86_400, "in a day's time at the latest it is open again")
  }

  @Test func `a clock that was a year ahead blocks nobody for a year`() {
    let noon = Self.utc("2026-07-27", 12)
    var clock = BudgetClock.advanced(nil, now: reading(noon, boot: 0), zone: .utc)
    clock = BudgetClock.advanced(clock, now: reading(noon + 365 * 86_400, boot: 60), zone: .utc)
    #expect(clock.date == CivilDate("2027-07-27"))
    clock = BudgetClock.advanced(clock, now: reading(noon + 120, boot: 120), zone: .utc)
    #expect(clock.date == CivilDate("2027-07-27"))
    clock = BudgetClock.advanced(clock, now: reading(noon + 86_400, boot: 86_400), zone: .utc)
    #expect(clock.date == CivilDate("2027-07-27"), "a few seconds short of a day")
    clock = BudgetClock.advanced(clock, now: reading(noon + 86_520, boot: 86_520), zone: .utc)
    #expect(clock.date == CivilDate("2026-07-28"))
  }

  @Test func `the age of a day survives reboots from below`() {
    let noon = Self.utc("2026-07-27", 12)
    var clock = BudgetClock.advanced(nil, now: reading(noon + 10 * 86_400, boot: 1000), zone: .utc)
    clock = BudgetClock.advanced(clock, now: reading(noon, boot: 41_000), zone: .utc)
    clock = BudgetClock.advanced(clock, now: reading(noon + 60, boot: 60, id: "b2"), zone: .utc)
    #expect(clock.age == 40_060)
    clock = BudgetClock.advanced(clock, now: reading(noon + 46_400, boot: 46_400, id: "b2"), zone: .utc)
    #expect(clock.date == CivilDate("2026-07-28"))
  }

  @Test(
    .enabled(if: hasZones, "needs the host's time zone data"),
    arguments: ["Europe/Berlin", "America/New_York", "America/Havana", "UTC"])
  func `a year of minutes-apart looks gives each date once, in order, over both changes of the clock`(
    name: String
  ) throws {
    let zone = try zone(name)
    let start = Self.utc("2026-01-01", 12)
    var clock: BudgetClock?
    var dates: [CivilDate] = []
    for minute in stride(from: Int64(0), to: 365 * 1440, by: 20) {
      let now = reading(start + minute * 60, boot: 100 + minute * 60)
      let next = BudgetClock.advanced(clock, now: now, zone: zone)
      let day = next.day(now: now, zone: zone)
      #expect(day.resetsAt > now.wall)
      #expect(day.resetsAt - now.wall <= 25 * 3600)
      if dates.last != next.date { dates.append(next.date) }
      clock = next
    }
    #expect(dates == (0..<366).map { CivilDate("2026-01-01")!.advanced(by: $0) })
  }

  /// Whatever the wall does, a new day costs either a later date on the wall than ever seen or a day's worth of time.
  @Test(arguments: 0..<50 as Range<UInt64>) func `no day is opened for nothing, and none is kept for ever`(seed: UInt64)
  {
    var random = SeededGenerator(seed: seed)
    var wall = Self.utc("2026-07-27", 12)
    var boot: Int64 = 1000
    var clock = BudgetClock.advanced(nil, now: reading(wall, boot: boot), zone: .utc)
    var since = boot
    for _ in 0..<400 {
      let passed = Int64.random(in: 60...20_000, using: &random)
      boot += passed
      wall += passed
      if Int.random(in: 0..<10, using: &random) == 0 { wall += Int64.random(in: -40...40, using: &random) * 86_400 }
      let now = reading(wall, boot: boot)
      let next = BudgetClock.advanced(clock, now: now, zone: .utc)
      if next.date != clock.date {
        #expect(next.date > clock.date || boot - since >= BudgetClock.fullDay)
        since = boot
      } else {
        #expect(boot - since <= BudgetClock.fullDay + 20_000 || CivilDate(utc: wall) == clock.date)
      }
      clock = next
    }
  }
}
