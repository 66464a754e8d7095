package import Tenant

extension BudgetAxisState {
  /// An amount in the unit of the wire: USD as a number, tokens and decides as whole numbers.
  fileprivate func wire(_ axis: BudgetAxis, _ value: Int64) -> JSON {
    axis == .usd ? .double(MicroUSD(micros: value).dollars) : .int(value)
  }

  fileprivate func limit(_ axis: BudgetAxis) -> JSON {
    ["left": left.map { wire(axis, $0) } ?? .null, "cap": cap.map { wire(axis, $0) } ?? .null]
  }
}

extension BudgetState {
  /// What a tenant is told of its day, in the prompt and by `limits --json`.
  ///
  /// *Shape*: `{day,resets_at,usd:{left,cap},tokens:{left,cap},decides:{left,cap},run_usd}`; `run_usd` is what the run that was
  /// just admitted may take.
  package func limits(worstCase: BudgetAmounts?) -> JSON {
    [
      "day": .string(day.date.description), "resets_at": .int(day.resetsAt), "usd": usd.limit(.usd),
      "tokens": tokens.limit(.tokens), "decides": decides.limit(.decides),
      "run_usd": .optional(worstCase.map(\.usd.dollars)),
    ]
  }
}

extension Admission {
  /// The answer over a beat's door.
  ///
  /// *Shape*: `{"granted":true,"reservation":"r42","limits":{…}}` or `{"granted":false,"reason":"…","retry_at":unix|null}`
  package var json: JSON {
    switch self {
    case .granted(let id, let worstCase, let budget):
      ["granted": true, "reservation": .string(id.description), "limits": budget.limits(worstCase: worstCase)]
    case .refused(let refusal, _):
      ["granted": false, "reason": .string(refusal.reason), "retry_at": .optional(refusal.retryAt)]
    }
  }
}

extension BudgetRow {
  package var json: JSON {
    [
      "day": .string(day.description), "tenant": .string(tenant), "kind": .string(kind.rawValue),
      "goal": .optional(goal),
      "worker": .optional(worker), "runner": .string(runner), "model": .optional(model),
      "source": .string(source.rawValue), "unpriced": .bool(unpriced), "usd": .double(usd.dollars),
      "tokens": [
        "input": .int(tokens.input), "cache_read": .int(tokens.cacheRead), "cache_write": .int(tokens.cacheWrite),
        "output": .int(tokens.output),
      ], "decides": .int(decides), "runs": .int(runs),
    ]
  }
}

/// A budget report as comma-separated values (RFC 4180), for a spreadsheet.
package enum BudgetCSV {
  package static let header =
    "day,tenant,kind,goal,worker,runner,model,source,unpriced,usd,input,cache_read,cache_write,output,decides,runs"

  package static func text(_ rows: [BudgetRow]) -> String {
    ([header] + rows.map(line)).map { $0 + "\r\n" }.joined()
  }

  private static func line(_ row: BudgetRow) -> String {
    let words: [String] = [
      row.day.description, row.tenant, row.kind.rawValue, row.goal ?? "", row.worker ?? "", row.runner, row.model ?? "",
      row.source.rawValue, row.unpriced ? "yes" : "no", decimal(row.usd),
    ]
    let numbers = [
      row.tokens.input, row.tokens.cacheRead, row.tokens.cacheWrite, row.tokens.output, row.decides, row.runs,
    ]
    return (words.map(quoted) + numbers.map(String.init)).joined(separator: ",")
  }

  private static func decimal(_ usd: MicroUSD) -> String { usd.description.replacing("$", with: "") }

  /// Quoted where it must be. What begins like a formula is quoted behind an apostrophe: goals and models are texts of a tenant,
  /// and a spreadsheet would run them.
  private static func quoted(_ field: String) -> String {
    var field = field
    if let first = field.first, "=+-@".contains(first) { field = "'" + field }
    guard field.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return field }
    return "\"" + field.replacing("\"", with: "\"\"") + "\""
  }
}
