/// Sensors of code forges: pull requests, issues, checks, pipelines.
enum ForgeSensors {
  static func github(repo: String, branch: String, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval, summary: "GitHub: open pull requests and issues of \(repo), and the checks of \(branch).",
      secrets: "GITHUB_TOKEN (not needed for a public repository)",
      settings: [("repo", repo), ("branch", branch), ("api", "https://api.github.com")])
    let body = #"""
      api=${GITHUB_API_URL:-$api}
      """# + "\n" + githubHTTP + #"""

        pages pull_requests 5 '.[]' "$api/repos/$repo/pulls?state=open&per_page=100"
        jq -s 'map({number, title, draft, sha: .head.sha[0:10], url: .html_url}) | sort_by(.number)' \
          "$work/items" >"$work/prs"
        pages issues 5 '.[]' "$api/repos/$repo/issues?state=open&per_page=100"
        # The API lists pull requests among the issues.
        jq -s 'map(select(.pull_request == null) | {number, title}) | sort_by(.number)' "$work/items" >"$work/issues"
        pages checks 5 '.check_runs[]' "$api/repos/$repo/commits/$branch/check-runs?per_page=100"

        jq -cs --argjson cut "$cut" --slurpfile prs "$work/prs" --slurpfile issues "$work/issues" '
          def failed: [.[] | select(.conclusion | IN("failure", "timed_out", "action_required", "startup_failure"))
            | .name] | unique;
          # Of checks that nobody has read, nobody knows that they pass.
          def checks: if . == [] then "none" elif failed != [] then "failing"
            elif any(.[]; .status != "completed") then "running" elif $cut | index("checks") then "unknown" else "passing" end;
          {signal: {
             pull_requests: [$prs[0][-40:][] | {number, sha, draft}], issues: [$issues[0][-60:][].number],
             checks: checks, failed_checks: failed[0:20]},
           detail: {
             pull_requests: ($prs[0] | length), issues: ($issues[0] | length),
             titles: ([($prs[0] + $issues[0])[-30:][] | {key: "#\(.number)", value: .title[0:80]}] | from_entries)}}
          | if $cut == [] then . else .detail.cut = $cut end
        ' "$work/items"

        """#
    return ReadyMadeSensor(kind: "github", script: text.header() + body)
  }

  static func gitlab(project: String, branch: String, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval,
      summary: "GitLab: open merge requests and issues of \(project), and the pipeline of \(branch).",
      secrets: "GITLAB_TOKEN (not needed for a public project)",
      settings: [("project", project), ("branch", branch), ("server", "https://gitlab.com")])
    let body =
      gitlabHTTP + #"""

        # All items of a list, over at most 5 pages; one that goes on is named among those that were cut.
        cut='[]'
        pages() { # NAME URL
          local next=1 count
          : >"$work/items"
          for count in 1 2 3 4 5; do
            request "$2&per_page=100&page=$next"
            jq -c '.[]' "$work/body" >>"$work/items"
            next=$(field x-next-page)
            [[ $next ]] || return 0
          done
          cut=$(jq -cn --argjson cut "$cut" --arg name "$1" '$cut + [$name]')
        }

        pages merge_requests "$api/merge_requests?state=opened"
        jq -s 'map({iid, title, draft, sha: (.sha // "")[0:10], conflicts: (.has_conflicts // false)}) | sort_by(.iid)' \
          "$work/items" >"$work/mrs"
        pages issues "$api/issues?state=opened"
        jq -s 'map({iid, title}) | sort_by(.iid)' "$work/items" >"$work/issues"
        request "$api/pipelines?ref=$(jq -rn --arg text "$branch" '$text | @uri')&per_page=1"

        jq -c --argjson cut "$cut" --slurpfile mrs "$work/mrs" --slurpfile issues "$work/issues" '
          {signal: {
             merge_requests: [$mrs[0][-40:][] | {iid, sha, draft, conflicts}], issues: [$issues[0][-60:][].iid],
             pipeline: (.[0].status // "none")},
           detail: {
             pipeline: (.[0] | if . then {id, sha: .sha[0:10], url: .web_url} else null end),
             merge_requests: ($mrs[0] | length), issues: ($issues[0] | length),
             titles: (([$mrs[0][-15:][] | {key: "!\(.iid)", value: .title[0:80]}]
               + [$issues[0][-15:][] | {key: "#\(.iid)", value: .title[0:80]}]) | from_entries)}}
          | if $cut == [] then . else .detail.cut = $cut end
        ' "$work/body"

        """#
    return ReadyMadeSensor(kind: "gitlab", script: text.header() + body)
  }

  /// The newest run of each workflow (GitHub Actions).
  static func githubActions(repo: String, branch: String, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval, summary: "CI: the newest run of each GitHub Actions workflow of \(repo) on \(branch).",
      secrets: "GITHUB_TOKEN (not needed for a public repository)",
      settings: [("repo", repo), ("branch", branch), ("api", "https://api.github.com")])
    let body = #"""
      api=${GITHUB_API_URL:-$api}
      """# + "\n" + githubHTTP + #"""

        # A workflow that runs rarely stands behind the many runs of the others.
        pages runs 3 '.workflow_runs[]' \
          "$api/repos/$repo/actions/runs?branch=$(jq -rn --arg text "$branch" '$text | @uri')&status=completed&per_page=100"
        jq -cs --argjson cut "$cut" '
          # Only what is over counts: a run that has just begun says nothing yet.
          map(select(.status == "completed")) | group_by(.workflow_id) | map(max_by(.run_number)) as $newest
          | {signal: {
               failing: [$newest[] | select(.conclusion | IN("success", "skipped", "neutral") | not) | .name] | unique,
               workflows: ([$newest[-40:][] | {key: .name, value: .conclusion}] | from_entries)},
             detail: {runs: [$newest[-20:][] | {
               name, conclusion, run: .run_number, sha: .head_sha[0:10], title: (.display_title // "")[0:80], url: .html_url}]}}
          | if $cut == [] then . else .detail.cut = $cut end
        ' "$work/items"

        """#
    return ReadyMadeSensor(kind: "ci", script: text.header() + body)
  }

  /// The newest finished pipeline and its failed jobs (GitLab CI).
  static func gitlabPipelines(project: String, branch: String, interval: Int) -> ReadyMadeSensor {
    let text = SensorScriptText(
      interval: interval, summary: "CI: the newest finished GitLab pipeline of \(project) on \(branch).",
      secrets: "GITLAB_TOKEN (not needed for a public project)",
      settings: [("project", project), ("branch", branch), ("server", "https://gitlab.com")])
    let body =
      gitlabHTTP + #"""

        request "$api/pipelines?ref=$(jq -rn --arg text "$branch" '$text | @uri')&scope=finished&per_page=1"
        cp "$work/body" "$work/pipelines"
        id=$(jq -r '.[0].id // empty' "$work/pipelines")
        if [[ $id ]]; then request "$api/pipelines/$id/jobs?scope[]=failed&per_page=100" --globoff; else echo '[]' >"$work/body"; fi
        jq -c --slurpfile pipelines "$work/pipelines" '
          $pipelines[0][0] as $pipeline
          | {signal: {pipeline: ($pipeline.status // "none"), failing: ([.[] | select(.allow_failure | not) | .name] | unique)[0:40]},
             detail: {id: $pipeline.id, sha: ($pipeline.sha // "")[0:10], url: $pipeline.web_url,
               jobs: [.[0:20][] | {name, stage, reason: .failure_reason, url: .web_url}]}}
        ' "$work/body"

        """#
    return ReadyMadeSensor(kind: "ci", script: text.header() + body)
  }

  private static let githubHTTP =
    SensorScriptText.http(
      credentials: #"""
          echo 'header = "Accept: application/vnd.github+json"'
          if [[ ${GITHUB_TOKEN:-} ]]; then echo "header = \"Authorization: Bearer $GITHUB_TOKEN\""; fi
        """#, resetField: "x-ratelimit-reset") + #"""

        # All items of a list, over so many pages; one that goes on is named among those that were cut.
        cut='[]'
        pages() { # NAME PAGES FILTER URL
          local url=$4 page
          : >"$work/items"
          for page in $(seq "$2"); do
            request "$url"
            jq -c "$3" "$work/body" >>"$work/items"
            url=$(field link | tr ',' '\n' | sed -n 's/.*<\([^>]*\)>; *rel="next".*/\1/p')
            [[ $url ]] || return 0
          done
          cut=$(jq -cn --argjson cut "$cut" --arg name "$1" '$cut + [$name]')
        }

      """#

  private static let gitlabHTTP =
    #"""
    api="${GITLAB_URL:-$server}/api/v4/projects/$(jq -rn --arg text "$project" '$text | @uri')"

    """#
    + SensorScriptText.http(
      credentials: #"""
          if [[ ${GITLAB_TOKEN:-} ]]; then echo "header = \"PRIVATE-TOKEN: $GITLAB_TOKEN\""; fi
        """#, resetField: "ratelimit-reset")
}
