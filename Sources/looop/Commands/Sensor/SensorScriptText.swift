import Tenant

/// What the ready-made sensors have in common: a header that says what it is, and for those that ask an HTTP API the part
/// that keeps secrets off the command line and treats a rate limit as no news.
struct SensorScriptText {
  var interval: Int
  var summary: String
  /// The environment variables with secrets, and what for.
  var secrets: String?
  /// `name=value` of the script's first lines; values are quoted.
  var settings: [(name: String, value: String)]

  func header() -> String {
    var lines = ["#!/usr/bin/env bash", "# looop:interval=\(interval)", "# \(summary)"]
    lines.append("# Written by `looop sensor add`, and yours to edit: what stands under \"signal\" wakes the loop,")
    lines.append("# \"detail\" only informs it.")
    if let secrets { lines.append("# Secrets come from the environment: \(secrets).") }
    lines.append("set -euo pipefail")
    lines.append("")
    lines += settings.map { "\($0.name)=\($0.value.shellWord)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Functions for an HTTP API. `credentials` prints lines for curl's configuration, read from standard input, so that no
  /// secret stands in a process's arguments. `reset` is the field that says when a limit ends (Unix seconds).
  static func http(credentials: String, resetField: String, resetDivisor: Int = 1) -> String {
    #"""

    name=$(basename "$0" .sh)
    last="${LOOOP_DATA_DIR:-.}/snapshots/sensor-$name.json"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT

    # A rate limit is no news: the last good reading stands, and nobody is asked again before the limit ends.
    keep_last() {
      jq -ce --argjson until "$1" \
        'select((.signal | type) == "object" and .signal.error == null) | .detail.rate_limited_until = $until' \
        "$last" 2>/dev/null && exit 0
      echo "rate limited until $(date -u -d "@$1" +%FT%TZ)" >&2
      exit 1
    }
    # As the last good reading says, or, where there is none yet, the failure.
    limited_until=$(jq -r '[.detail.rate_limited_until?,
        (.detail.stderr? // "" | capture("rate limited until (?<at>[0-9TZ:-]+)").at | fromdate)]
      | map(numbers) | max // 0' "$last" 2>/dev/null || echo 0)
    if (( limited_until > $(date +%s) )); then keep_last "$limited_until"; fi

    # On curl's standard input, so that no secret shows in a list of processes.
    credentials() {
    \#(credentials)
    }

    field() { sed -n "s/^$1: *//Ip" "$work/head" | tr -d '\r' | tail -n 1; }

    # Asks once; the body is in $work/body afterwards. Anything but success ends the script.
    request() {
      local status wait reset
      status=$(credentials | curl --silent --show-error --max-time 20 --config - \
        --dump-header "$work/head" --output "$work/body" --write-out '%{http_code}' "$@")
      case $status in 2??) return ;; esac
      wait=$(field retry-after)
      reset=$(field \#(resetField))
      if [[ $status == 429 || $wait || ( $status == 403 && $(field x-ratelimit-remaining) == 0 ) ]] ||
        grep -q RATELIMITED "$work/body"; then
        if [[ $wait =~ ^[0-9]+$ ]]; then keep_last $(( $(date +%s) + wait )); fi
        if [[ $reset =~ ^[0-9]+$ ]]; then keep_last $(( reset / \#(resetDivisor) )); fi
        keep_last $(( $(date +%s) + 300 ))
      fi
      echo "HTTP $status: $(head -c 300 "$work/body" | tr '\n' ' ')" >&2
      exit 1
    }

    """#
  }
}

/// A ready-made sensor: what it is called, and the script that it writes.
struct ReadyMadeSensor {
  var kind: String
  var script: String
}
