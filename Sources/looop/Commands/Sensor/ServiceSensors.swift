/// Sensors of trackers and of monitoring.
enum ServiceSensors {
  static func linear(team: String, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval, summary: "Linear: the open issues of team \(team).", secrets: "LINEAR_API_KEY",
      settings: [("team", team), ("api", "https://api.linear.app/graphql")])
    let body =
      #"""
      api=${LINEAR_API_URL:-$api}
      : "${LINEAR_API_KEY:?is not set}"

      """#
      + SensorScriptText.http(
        credentials: #"""
            echo "header = \"Authorization: $LINEAR_API_KEY\""
            echo 'header = "Content-Type: application/json"'
          """#, resetField: "x-ratelimit-requests-reset", resetDivisor: 1000) + #"""

        query='query($team: String!, $after: String) {
          issues(first: 100, after: $after, filter: {
            team: {key: {eq: $team}}, state: {type: {nin: ["completed", "canceled"]}}}) {
            nodes { identifier title priority state { name type } assignee { name } }
            pageInfo { hasNextPage endCursor } } }'

        : >"$work/items"
        after=null cut='["issues"]'
        for page in 1 2 3 4 5; do
          jq -cn --arg query "$query" --arg team "$team" --argjson after "$after" \
            '{query: $query, variables: {team: $team, after: $after}}' >"$work/question"
          request --data "@$work/question" "$api"
          # GraphQL reports errors under status 200.
          if jq -e '.errors' "$work/body" >/dev/null; then
            echo "Linear: $(jq -r '[.errors[].message] | join("; ")' "$work/body" | head -c 300)" >&2
            exit 1
          fi
          jq -c '.data.issues.nodes[]' "$work/body" >>"$work/items"
          jq -e '.data.issues.pageInfo.hasNextPage' "$work/body" >/dev/null || { cut='[]' && break; }
          after=$(jq '.data.issues.pageInfo.endCursor' "$work/body")
        done

        # A list that goes on after these pages was cut.
        jq -cs --argjson cut "$cut" '
          sort_by(.identifier)
          | {signal: {issues: ([.[-80:][] | {key: .identifier, value: .state.name}] | from_entries)},
             detail: {count: length, by_state: (group_by(.state.name) | map({key: .[0].state.name, value: length}) | from_entries),
               urgent: [.[] | select(.priority == 1) | .identifier][0:20],
               titles: ([.[-30:][] | {key: .identifier, value: .title[0:80]}] | from_entries)}}
          | if $cut == [] then . else .detail.cut = $cut end
        ' "$work/items"

        """#
    return ReadyMadeSensor(kind: "linear", script: text.header() + body)
  }

  static func grafana(url: String, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval, summary: "Grafana: the alerts that fire at \(url).",
      secrets: "GRAFANA_TOKEN (a service account's)",
      settings: [("url", url)])
    let body =
      bearer("GRAFANA_TOKEN") + #"""

        request "$url/api/alertmanager/grafana/api/v2/alerts?active=true&silenced=false&inhibited=false"
        jq -c '
          map(select(.status.state == "active")) | sort_by(.labels.alertname, .fingerprint)
          | {signal: {firing: [.[0:60][] | {alert: .labels.alertname, id: .fingerprint[0:12]}]},
             detail: {count: length, alerts: [.[0:20][] | {
               alert: .labels.alertname, since: .startsAt,
               summary: (.annotations.summary // .annotations.description // "")[0:120],
               labels: (.labels | del(.alertname, .__alert_rule_uid__) | with_entries(.value |= .[0:40]))}]}}
        ' "$work/body"

        """#
    return ReadyMadeSensor(kind: "grafana", script: text.header() + body)
  }

  static func prometheus(url: String, query: String?, interval: Int) -> ReadyMadeSensor {
    let what = query.map { "the series for which `\($0.replacingNewlines)` holds" } ?? "the alerts that fire"
    let text = SensorScriptText(
      interval: interval, summary: "Prometheus at \(url): \(what).", secrets: "PROMETHEUS_TOKEN (if it wants one)",
      settings: [("url", url)] + (query.map { [("query", $0)] } ?? []))
    let alerts = #"""

      request "$url/api/v1/alerts"
      jq -c '
        if .status != "success" then error(.error // "no success") else .data.alerts end
        | map(select(.state == "firing")) | sort_by(.labels.alertname, (.labels | tojson))
        | {signal: {firing: [.[0:60][] | {alert: .labels.alertname, on: (.labels.instance // .labels.job // "")}]},
           detail: {count: length, alerts: [.[0:20][] | {
             alert: .labels.alertname, since: .activeAt, value,
             summary: (.annotations.summary // .annotations.description // "")[0:120]}]}}
      ' "$work/body"

      """#
    let series = #"""

      # Which series match is the signal; their values move all the time and are detail.
      request --get --data-urlencode "query=$query" "$url/api/v1/query"
      jq -c '
        if .status != "success" then error(.error // "no success") else .data end
        | if .resultType != "vector" then error("the query must give a vector, not a " + .resultType) else .result end
        | map({labels: (.metric | to_entries | map("\(.key)=\(.value)") | join(",")), value: .value[1]}) | sort_by(.labels)
        | {signal: {matching: [.[0:60][].labels[0:120]]}, detail: {count: length, values: .[0:20]}}
      ' "$work/body"

      """#
    return ReadyMadeSensor(
      kind: "prometheus",
      script: text.header() + bearer("PROMETHEUS_TOKEN") + (query == nil ? alerts : series))
  }

  private static func bearer(_ variable: String) -> String {
    SensorScriptText.http(
      credentials: """
          if [[ ${\(variable):-} ]]; then echo "header = \\"Authorization: Bearer $\(variable)\\""; fi
        """, resetField: "x-ratelimit-reset")
  }
}

extension String {
  /// On one line: a comment must not end early.
  var replacingNewlines: String { split(whereSeparator: \.isNewline).joined(separator: " ") }
}
