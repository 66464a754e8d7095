import SystemPackage
import Tenant

/// What the fleet leaves this tenant today, asked over its socket: its own word, never a file of the tenant's.
struct FleetLimits {
  /// *Shape*: `{"day","resets_at","usd":{"left","cap"},"tokens":{…},"decides":{…},"state","workers":{"live","pending","max"}}`;
  /// null where the fleet does not answer.
  let json: JSON

  /// `nil` in a data dir that no fleet manages.
  static func ask(_ context: Context) -> FleetLimits? {
    guard let mark = StateFile.read(context.data.fleetMark).value, let socket = mark["socket"]?.string,
      let tenant = mark["tenant"]?.string
    else { return nil }
    // A fleet that is away leaves its limits unknown; the loop's own are shown all the same.
    guard
      let reply = try? FleetSocket(FilePath(socket)).request(
        "GET", "/v1/tenants/\(PercentEncoding.encode(tenant))"),
      reply.status == 200, let detail = reply.json, let budget = detail["budget"], budget.object != nil
    else { return FleetLimits(json: .null) }
    var limits: JSON = [
      "day": budget["day"] ?? .null, "resets_at": budget["resets_at"] ?? .null, "state": budget["state"] ?? .null,
      "workers": detail["workers"] ?? .null,
    ]
    for axis in ["usd", "tokens", "decides"] { limits[axis] = left(budget[axis], isMoney: axis == "usd") }
    return FleetLimits(json: limits)
  }

  private static func left(_ axis: JSON?, isMoney: Bool) -> JSON {
    guard let axis, let cap = axis["cap"], !cap.isNull else { return ["left": .null, "cap": .null] }
    func amount(_ key: String) -> Int64 {
      isMoney ? Money.microUSD(axis[key]?.double ?? 0) : axis[key]?.int ?? 0
    }
    let left = max(0, amount("cap") - amount("spent") - amount("reserved"))
    return ["left": isMoney ? Money.json(left) : .int(left), "cap": cap]
  }

  var rows: [[String]] {
    guard json.object != nil else { return [["fleet", "it does not answer: its limits are not known"]] }
    let words = ["usd", "tokens", "decides"].compactMap { axis -> String? in
      guard let cap = json[axis]?["cap"], !cap.isNull, let left = json[axis]?["left"] else { return nil }
      if axis == "usd" {
        let (left, cap) = (Money.microUSD(left.double ?? 0), Money.microUSD(cap.double ?? 0))
        return "$\(Money.text(left)) of $\(Money.text(cap)) left"
      }
      return "\(left.int ?? 0) of \(cap.int ?? 0) \(axis) left"
    }
    let resets = json["resets_at"]?.int.map { ", resets \(LocalTime($0).date) \(LocalTime($0).clock)" } ?? ""
    return [["fleet", words.isEmpty ? "no limit" : words.joined(separator: ", ") + resets]]
  }
}
