/// The worker's command line from the configured template.
package enum CommandTemplate {
  /// Placeholders of looop's past; a template that still has one would start the wrong thing.
  package static let removed = ["{{model}}", "{{thinking}}"]

  /// Why a template cannot start a worker; `nil` where it can.
  package static func problem(_ template: String) -> Refusal? {
    if let old = removed.first(where: { template.contains($0) }) {
      return Refusal(.invalid, "the worker command has the removed placeholder \(old)", hint: "write the value itself")
    }
    guard PromptPlaceholder.isIn(template) else {
      return Refusal(
        .invalid, "the worker command lacks \(PromptPlaceholder.text)",
        hint: "for example: claude --dangerously-skip-permissions \"$(cat \(PromptPlaceholder.text))\"")
    }
    return nil
  }

  /// `LOOOP_RUNNER_RETRIES`, `_RETRY_MATCH`, `_RETRY_SLEEP`: how often a failed runner is started again.
  package struct Retries: Hashable, Sendable {
    package var count = 0
    package var match = ""
    package var sleepSeconds = 3

    package init(count: Int = 0, match: String = "", sleepSeconds: Int = 3) {
      self.count = count
      self.match = match
      self.sleepSeconds = sleepSeconds
    }
  }

  /// Off leaves the command untouched. The pattern is looked for in what the terminal showed since this try began.
  package static func retrying(_ command: String, _ retries: Retries, outputLog: String) -> String {
    guard retries.count > 0 else { return command }
    let log = outputLog.shellWord
    let matched =
      retries.match.isEmpty
      ? "false" : "tail -c +$((looop_from + 1)) \(log) 2>/dev/null | grep -Eiq -- \(retries.match.shellWord)"
    return """
      looop_try=0; while :; do looop_from=$(stat -c %s \(log) 2>/dev/null || echo 0); ( \(command)
      ); looop_rc=$?; if [ $looop_rc -eq 0 ] && ! { \(matched); }; then exit 0; fi; \
      looop_try=$((looop_try + 1)); if [ $looop_try -gt \(retries.count) ]; then exit $looop_rc; fi; \
      sleep $((looop_try * \(retries.sleepSeconds))); done
      """
  }
}
