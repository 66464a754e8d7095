import Tenant

/// Sensors of this machine and of plain addresses.
enum LocalSensors {
  static func git(path: String, fetch: Bool, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval, summary: "git: branch, head, uncommitted changes and distance from the upstream of \(path).",
      secrets: nil, settings: [("repository", path), ("fetch", fetch ? "yes" : "no")])
    let body = #"""

      # Reading takes no locks away from whoever works there, and never asks for a password.
      export GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0
      in_repository() { git -C "$repository" "$@"; }

      in_repository rev-parse --git-dir >/dev/null
      if [[ $fetch == yes ]]; then timeout 30 git -C "$repository" fetch --quiet --prune; fi

      head=$(in_repository rev-parse --quiet --verify HEAD || true)
      branch=$(in_repository symbolic-ref --quiet --short HEAD || echo '(detached)')
      ahead=0 behind=0
      upstream=$(in_repository rev-parse --quiet --abbrev-ref '@{upstream}' 2>/dev/null || true)
      if [[ $head && $upstream ]]; then
        read -r ahead behind < <(in_repository rev-list --left-right --count "HEAD...$upstream")
      fi
      changes=
      if [[ $(in_repository rev-parse --is-bare-repository) == false ]]; then changes=$(in_repository status --porcelain); fi
      commits=
      if [[ $head ]]; then commits=$(in_repository log -n 5 --format='%h %s'); fi

      jq -cn --arg branch "$branch" --arg head "${head:0:12}" --arg upstream "$upstream" --argjson ahead "$ahead" \
        --argjson behind "$behind" --arg changes "$changes" --arg commits "$commits" '
        def lines: split("\n") | map(select(. != ""));
        ($changes | lines) as $files
        | {signal: {branch: $branch, head: $head, dirty: ($files != []), ahead: $ahead, behind: $behind,
             conflicts: any($files[]; test("^(DD|AU|UD|UA|DU|AA|UU) "))},
           detail: {upstream: $upstream, changed_files: ($files | length), files: [$files[0:20][][0:120]],
             commits: [$commits | lines[] | .[0:100]]}}'

      """#
    return ReadyMadeSensor(kind: "git", script: text.header() + body)
  }

  static func disk(paths: [String], warn: Int, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval, summary: "disk: whether \(paths.joined(separator: ", ")) fills up (from \(warn) %).",
      secrets: nil,
      settings: [("warn", String(warn))])
    let list = paths.map(\.shellWord).joined(separator: " ")
    let body =
      "paths=(\(list))\n" + #"""

        # The level is the signal: a percentage that creeps would wake the loop all day.
        for path in "${paths[@]}"; do
          df --output=pcent,ipcent,avail -- "$path" | tail -n 1 | tr -d '%' | {
            read -r used inodes free
            jq -cn --arg path "$path" --argjson used "${used//-/0}" --argjson inodes "${inodes//-/0}" \
              --argjson free "$free" --argjson warn "$warn" '
              ([$used, $inodes] | max) as $most
              | {path: $path, level: (if $most >= 98 then "full" elif $most >= $warn then "warn" else "ok" end),
                 used_percent: $used, inodes_percent: $inodes, free_mb: ($free / 1024 | floor)}'
          }
        done | jq -cs '{signal: (map({key: .path, value: .level}) | from_entries), detail: .}'

        """#
    return ReadyMadeSensor(kind: "disk", script: text.header() + body)
  }

  static func url(address: String, expect: Int, contains: String?, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval, summary: "url: whether \(address.replacingNewlines) answers \(expect).", secrets: nil,
      settings: [("url", address), ("expect", String(expect)), ("contains", contains ?? "")])
    let body = #"""

      work=$(mktemp -d)
      trap 'rm -rf "$work"' EXIT

      up=false status=0 seconds=0 error=
      # One failure in a row is weather: a second try decides.
      for try in 1 2; do
        error=
        if ! read -r status seconds < <(curl --silent --show-error --location --max-time 15 --max-filesize 5000000 \
          --output "$work/body" --write-out '%{http_code} %{time_total}\n' -- "$url" 2>"$work/error") ||
          [[ $status == 000 ]]; then
          status=0
          error=$(head -c 200 "$work/error")
        elif [[ $status != "$expect" ]]; then
          error="status $status instead of $expect"
        elif [[ $contains ]] && ! grep -qF -- "$contains" "$work/body"; then
          error="the expected text is missing"
        else
          up=true
          break
        fi
        if [[ $try == 1 ]]; then sleep 1; fi
      done

      jq -cn --argjson up "$up" --arg status "$status" --arg seconds "${seconds:-0}" --arg error "$error" --arg url "$url" \
        '{signal: {up: $up, status: ($status | tonumber)}, detail: {url: $url, seconds: ($seconds | tonumber), error: $error}}'

      """#
    return ReadyMadeSensor(kind: "url", script: text.header() + body)
  }
}
