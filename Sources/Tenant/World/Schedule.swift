/// A reminder that the loop set itself. Shape: `{"v":1,"at":unix[,"note"]}` once, or
/// `{"v":1,"every_s":n,"anchor":unix[,"note"]}` again and again. A hand-written one may be anything: it reads as `invalid` or
/// `unparseable`, stably, so that it wakes the loop once and not at every beat.
package enum Schedule: Hashable, Sendable {
  case once(at: Int64, note: String?)
  case every(seconds: Int64, anchor: Int64, note: String?)
  case invalid(reason: String)
  case unparseable(reason: String)

  /// More often than this the loop would be woken by its own clock.
  package static let minimumPeriod: Int64 = 60

  package init(_ file: StateFile) {
    switch file {
    case .absent: self = .unparseable(reason: "it is gone")
    case .unreadable(let error): self = .unparseable(reason: error.description)
    case .corrupt(let reason): self = .unparseable(reason: reason)
    case .value(let json): self.init(json: json)
    }
  }

  package init(json: JSON) {
    guard json.object != nil else {
      self = .unparseable(reason: "it is not a JSON object")
      return
    }
    let note = json["note"]?.string
    switch (json["at"], json["every_s"]) {
    case (let at?, nil):
      self = at.int.map { .once(at: $0, note: note) } ?? .invalid(reason: "at is not a whole number")
    case (nil, let every?):
      guard let seconds = every.int, seconds >= Self.minimumPeriod else {
        self = .invalid(reason: "every_s is not a whole number of at least \(Self.minimumPeriod)")
        return
      }
      self = .every(seconds: seconds, anchor: json["anchor"]?.int ?? 0, note: note)
    case (nil, nil): self = .invalid(reason: "neither at nor every_s")
    case (_?, _?): self = .invalid(reason: "both at and every_s")
    }
  }

  /// The record to write; `nil` for the two that nobody writes.
  package var json: JSON? {
    var json: JSON
    let note: String?
    switch self {
    case .once(let at, let text):
      json = ["v": 1, "at": .int(at)]
      note = text
    case .every(let seconds, let anchor, let text):
      json = ["v": 1, "every_s": .int(seconds), "anchor": .int(anchor)]
      note = text
    case .invalid, .unparseable: return nil
    }
    json["note"] = note.map(JSON.string)
    return json
  }

  /// `"pending"`, `"due"`, `{"period":n}`, `"invalid"`, `"unparseable"`.
  package func signal(now: Int64) -> JSON {
    switch self {
    case .once(let at, _): now >= at ? "due" : "pending"
    case .every(let seconds, let anchor, _): ["period": .int(period(now, anchor, seconds))]
    case .invalid: "invalid"
    case .unparseable: "unparseable"
    }
  }

  package func detail(now: Int64) -> JSON {
    switch self {
    case .once(let at, let note):
      return [
        "kind": "one-shot", "due_in_s": .int(max(0, at.subtractingReportingOverflow(now).partialValue)),
        "note": .optional(note),
      ]
    case .every(let seconds, let anchor, let note):
      // 0 exactly at the boundary, where the period has just changed.
      let into = elapsed(now, anchor) - period(now, anchor, seconds) * seconds
      return [
        "kind": "recurring", "every_s": .int(seconds), "next_due_in_s": .int(into == 0 ? 0 : seconds - into),
        "note": .optional(note),
      ]
    case .invalid(let reason): return ["kind": "invalid", "reason": .string(reason)]
    case .unparseable(let reason): return ["kind": "unparseable", "reason": .string(reason)]
    }
  }

  private func elapsed(_ now: Int64, _ anchor: Int64) -> Int64 {
    let (difference, overflow) = now.subtractingReportingOverflow(anchor)
    return overflow ? (anchor < 0 ? .max / 2 : .min / 2) : max(.min / 2, min(.max / 2, difference))
  }

  /// Rounded towards the past, also before the anchor.
  private func period(_ now: Int64, _ anchor: Int64, _ seconds: Int64) -> Int64 {
    let (quotient, remainder) = elapsed(now, anchor).quotientAndRemainder(dividingBy: seconds)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
