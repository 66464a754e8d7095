/// The price list that ships with the product: one flat table, to be read and corrected by hand. A changed price is a new
/// line with a later date; old lines stay, so that an old day can be computed again.
///
/// *Units*: US dollars per million tokens, standard tier, as text, exactly as the providers list them.
/// *Source*: the providers' public price lists as of the date of each line. The claude lines marked «cli» were also checked against what
/// Claude Code 2.1.330 charges for a known number of tokens.
enum ShippedPrices {
  static let asOf = "2026-11-01"

  static let list: [ModelPrice] = claude + openAI

  /// Anthropic: writing to the cache costs 1.25 times the input for five minutes and twice for an hour.
  private static let claude: [ModelPrice] = [
    // model, from, input, cache read, output
    anthropic("claude-3-haiku", "2024-03-13", "0.25", "0.03", "1.25"),
    anthropic("claude-3-5-haiku", "2024-11-04", "0.80", "0.08", "4"),  // cli
    anthropic("claude-haiku-4-5", "2025-10-15", "1", "0.10", "5"),  // cli
    anthropic("claude-haiku-5-5", "2026-10-10", "0.10", "0.01", "0.50", longAbove: 100_000, percent: 500),  // cli
    anthropic("claude-3-7-sonnet", "2025-02-24", "3", "0.30", "15"),
    anthropic("claude-sonnet-4", "2025-05-22", "3", "0.30", "15"),
    anthropic("claude-sonnet-4-5", "2025-09-29", "3", "0.30", "15"),  // cli
    anthropic("claude-sonnet-4-6", "2026-02-01", "3", "0.30", "15"),  // cli
    anthropic("claude-sonnet-5", "2026-07-01", "2", "0.20", "10"),  // cli
    anthropic("claude-sonnet-5-5", "2026-10-03", "2", "0.20", "10"),  // cli
    anthropic("claude-opus-4", "2025-05-22", "15", "1.50", "75"),
    anthropic("claude-opus-4-1", "2025-08-05", "15", "1.50", "75"),
    anthropic("claude-opus-4-5", "2025-11-24", "5", "0.50", "25"),  // cli
    anthropic("claude-opus-4-6", "2026-02-01", "5", "0.50", "25"),  // cli
    anthropic("claude-opus-4-7", "2026-04-01", "5", "0.50", "25"),  // cli
    anthropic("claude-opus-4-8", "2026-05-01", "5", "0.50", "25"),  // cli
    anthropic("claude-opus-5", "2026-07-01", "5", "0.50", "25"),  // cli
    anthropic("claude-opus-5-5", "2026-10-03", "4", "0.20", "20"),  // cli
    anthropic("claude-fable-5", "2026-07-01", "10", "1", "50"),  // cli
    anthropic("claude-fable-5-1", "2026-10-03", "10", "0.25", "50"),  // cli
  ]

  /// OpenAI: up to GPT-5.5 what goes to the cache is ordinary input; from GPT-5.6 on it costs 1.25 times as much.
  private static let openAI: [ModelPrice] = [
    // model, from, input, cached input, output
    openai("gpt-4.1", "2025-04-14", "2", "0.50", "8"),
    openai("gpt-4.1-mini", "2025-04-14", "0.40", "0.10", "1.60"),
    openai("gpt-4.1-nano", "2025-04-14", "0.10", "0.025", "0.40"),
    openai("o3", "2025-06-10", "2", "0.50", "8"),
    openai("o4-mini", "2025-04-16", "1.10", "0.275", "4.40"),
    openai("codex-mini", "2025-05-16", "1.50", "0.375", "6"),
    openai("gpt-5", "2025-08-07", "1.25", "0.125", "10"),
    openai("gpt-5-mini", "2025-08-07", "0.25", "0.025", "2"),
    openai("gpt-5-nano", "2025-08-07", "0.05", "0.005", "0.40"),
    openai("gpt-5-codex", "2025-09-23", "1.25", "0.125", "10"),
    openai("gpt-5-codex-mini", "2025-11-07", "0.25", "0.025", "2"),
    openai("gpt-5.1", "2025-11-13", "1.25", "0.125", "10"),
    openai("gpt-5.1-codex", "2025-11-13", "1.25", "0.125", "10"),
    openai("gpt-5.1-codex-max", "2025-11-19", "1.25", "0.125", "10"),
    openai("gpt-5.1-codex-mini", "2025-11-13", "0.25", "0.025", "2"),
    openai("gpt-5.2", "2025-12-11", "1.75", "0.175", "14"),
    openai("gpt-5.2-codex", "2025-12-18", "1.75", "0.175", "14"),
    openai("gpt-5.3-codex", "2026-02-05", "1.75", "0.175", "14"),
    openai("gpt-5.4", "2026-03-05", "2.50", "0.25", "15"),
    openai("gpt-5.4-mini", "2026-03-17", "0.75", "0.075", "4.50"),
    openai("gpt-5.4-nano", "2026-03-17", "0.20", "0.02", "1.25"),
    openai("gpt-5.5", "2026-04-23", "5", "0.50", "30"),
    openai("gpt-5.6", "2026-09-01", "4", "0.40", "20", cacheWrite: "5", longAbove: 272_000),
    openai("gpt-5.6-sol", "2026-07-01", "5", "0.50", "30", cacheWrite: "6.25", longAbove: 272_000),
    openai("gpt-5.6-sol", "2026-09-01", "4", "0.40", "20", cacheWrite: "5", longAbove: 272_000),
    openai("gpt-5.6-terra", "2026-07-01", "2.50", "0.25", "15", cacheWrite: "3.125", longAbove: 272_000),
    openai("gpt-5.6-terra", "2026-09-01", "2", "0.20", "12", cacheWrite: "2.50", longAbove: 272_000),
    openai("gpt-5.6-luna", "2026-07-01", "1", "0.10", "6", cacheWrite: "1.25", longAbove: 272_000),
    openai("gpt-5.6-luna", "2026-09-01", "0.20", "0.02", "1.20", cacheWrite: "0.25", longAbove: 272_000),
    openai("gpt-6-astra", "2026-09-13", "10", "1", "50", cacheWrite: "12.50"),
  ]

  private static func anthropic(
    _ model: String, _ from: String, _ input: String, _ cacheRead: String, _ output: String, longAbove: Int64? = nil,
    percent: Int64 = 100
  ) -> ModelPrice {
    let input = perMillion(input)
    return ModelPrice(
      model: model, from: date(from), input: input, cacheRead: perMillion(cacheRead), cacheWrite: input * 5 / 4,
      cacheWriteLong: input * 2, output: perMillion(output),
      long: longAbove.map { ModelPrice.LongPrompt(above: $0, percent: percent, outputPercent: percent) })
  }

  private static func openai(
    _ model: String, _ from: String, _ input: String, _ cacheRead: String, _ output: String, cacheWrite: String? = nil,
    longAbove: Int64? = nil
  ) -> ModelPrice {
    let write = perMillion(cacheWrite ?? input)
    return ModelPrice(
      model: model, from: date(from), input: perMillion(input), cacheRead: perMillion(cacheRead), cacheWrite: write,
      cacheWriteLong: write, output: perMillion(output),
      long: longAbove.map { ModelPrice.LongPrompt(above: $0, percent: 200, outputPercent: 150) })
  }

  private static func perMillion(_ dollars: String) -> Int64 {
    guard let price = MicroUSD(decimal: dollars) else {
      preconditionFailure("a price of the table is no decimal: \(dollars)")
    }
    return price.micros
  }

  private static func date(_ text: String) -> CivilDate {
    guard let date = CivilDate(text) else { preconditionFailure("a date of the table is none: \(text)") }
    return date
  }
}
