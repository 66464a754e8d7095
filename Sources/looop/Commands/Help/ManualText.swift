import ArgumentParser
import Tenant

/// The long manual that `looop help` prints.
enum ManualText {
  static func whole(width: Int, context: Context?) -> String {
    var text = """
      looop \(Version.current): a control loop for LLM agents

      looop watches what you care about, and runs worker agents. Each beat it senses the world; if something
      changed it has an LLM decide the single most important move, and carries that out. You come in at two
      kinds of moments only: you steer when you like, and you answer when it asks.

      """
    for (title, body) in sections { text += "\n\(title.uppercased())\n" + indented(body) + "\n" }
    text += "\nVERBS\n" + indented(verbs(width: width)) + "\n"
    if let context {
      text += """

        HERE
          data dir   \(context.data.root)
          config     \(context.config)
          program    \(context.binary)

        """
    }
    return text
  }

  private static let sections: [(String, String)] = [
    (
      "First steps",
      """
      looop init                       choose the runner (claude, codex, opencode, pi, rules, custom)
      looop up                         start the pulse, detached
      looop wait --only-asks           block until it needs you
      looop answer setup-1 "…"         answer; the loop goes on at once
      looop watch                      look at the loop and its workers (read-only)
      looop down                       stop the pulse and all workers
      """
    ),
    (
      "Steer: you begin",
      """
      Goals say what should be true, the PLAYBOOK says how to judge. An edit starts a beat at once.
        looop goal write ship-v2 - < ship-v2.md
        looop playbook write - < PLAYBOOK.md
        looop sensor add github prs --repo acme/web
        looop tell WORKER "use the new API instead"
      A body is the words that follow, or standard input (no words, or a lone `-`). One that begins with a
      dash goes after `--`.
      """
    ),
    (
      "Answer: the loop begins",
      """
      A worker that needs a person asks and blocks; so does an irreversible move (a push to a protected
      branch, a merge, a release, a deploy, a deletion): it runs only after an explicit yes, once.
        looop asks                       what waits
        looop answer ID yes              the first answer wins
      Asks and answers are files: they survive a restart of the loop, of the machine, and of you.
      """
    ),
    (
      "One beat",
      """
      sense    run sensors/*.sh, each printing one JSON object; what stands under "signal" wakes the loop,
               "detail" only informs. Nothing changed: the beat ends here and costs nothing.
      decide   one short run of the runner: prompt in, one typed move out. Gated by backoff, an hourly cap
               and a daily budget.
      act      noop, run_shell, write_goal, archive_goal, write_sensor, write_playbook, start_worker,
               kill_worker, write_schedule or drop_schedule; one line in the journal.
      """
    ),
    (
      "Files in the data dir",
      """
      PLAYBOOK.md          your judgment, priorities, guardrails      goals/*.md       wanted state
      sensors/*.sh         observers                                  snapshots/       their last readings
      asks/ answers/       the mailbox                                journal.md       one line a move
      schedules/           wake-ups by time                           reports/         what workers hand in
      runs/                prompts, logs and events of decisions      cost.jsonl       what they cost
      config.json          the two commands that run the LLM          sessions/        running workers
      """
    ),
    (
      "Environment",
      """
      LOOOP_DATA_DIR            the data dir (default ${XDG_STATE_HOME:-~/.local/state}/looop)
      LOOOP_CONFIG              the config file (default: config.json in the data dir)
      LOOOP_INTERVAL            seconds between beats (60)
      LOOOP_MAX_DAILY_USD       the daily budget (10; 0 = none)
      LOOOP_MAX_DECIDES_PER_HOUR (120)      LOOOP_MAX_WORKERS (8)      LOOOP_TICK_TIMEOUT_SECS (1800)
      LOOOP_SENSOR_TIMEOUT (60)             LOOOP_SHELL_TIMEOUT_SECS (300)
      LOOOP_LOG_FORMAT          human, or json for one JSON object a line
      LOOOP_FLEET_SOCKET        the fleet that `--tenant` asks
      NO_COLOR                  no colours
      0 switches a limit off.
      """
    ),
    (
      "Exit status",
      """
      0 done · 1 refused, failed or used wrongly · 2 `wait` woke because no pulse runs, or HOME is not set
      130 `init` was left without writing anything
      """
    ),
  ]

  private static func verbs(width: Int) -> String {
    var table = TextTable([])
    func add(_ command: any ParsableCommand.Type, _ prefix: [String]) {
      guard command.configuration.shouldDisplay else { return }
      let path = prefix + [command._commandName]
      let children = Manual.subcommands(of: command)
      if children.isEmpty { table.rows.append([path.joined(separator: " "), command.configuration.abstract]) }
      for child in children { add(child, path) }
    }
    for command in Manual.subcommands(of: Looop.self) { add(command, []) }
    return table.lines(columns: width - 2).joined(separator: "\n") + "\n\n`looop VERB --help` says what each takes."
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? "" : "  \($0)" }.joined(separator: "\n")
  }
}
