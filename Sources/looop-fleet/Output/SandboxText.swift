import Fleet
import Tenant

/// One worker's work in words: what it changed, what came home, what was restored.
enum SandboxText {
  static func diff(_ diff: SandboxDiff, paint: Paint) -> [String] {
    let place = diff.state == "worktree" ? "" : " (\(diff.state))"
    let branch = diff.branch.map { " on \(Display.line($0))" } ?? ""
    var lines = [
      "\(Display.line("\(diff.tenant)/\(diff.worker)")): \(Display.line(diff.repo))\(branch)\(place), from \(diff.base.prefix(10))",
      "\(count(diff.files, "file")) changed, \(diff.insertions) added and \(diff.deletions) deleted lines"
        + (diff.unsaved > 0 ? "; \(count(diff.unsaved, "change")) in no commit" : ""),
    ]
    lines += commits(diff.commits)
    return lines
  }

  static func landed(_ landed: SandboxLanded) -> [String] {
    let name = Display.line("\(landed.tenant)/\(landed.worker)")
    let into = "\(Display.line(landed.into)) of \(Display.line(landed.repo))"
    if landed.already { return ["\(name): \(into) has it already (\(landed.tip.prefix(10)))"] }
    let what = count(Int64(landed.commits.count), "commit")
    let verb = landed.isDryRun ? "would land" : "landed"
    return ["\(name): \(what) \(verb) on \(into), now \(landed.tip.prefix(10))"] + commits(landed.commits)
  }

  static func restored(_ row: JSON) -> [String] {
    let path = Display.line(row["path"]?.string ?? "")
    let name = "\(row["tenant"]?.string ?? "")/\(row["worker"]?.string ?? "")"
    return [
      "\(Display.line(name)): \(Display.line(row["reason"]?.string ?? "restored")) in \(path)",
      "when you are done: git worktree unlock \(path), then: looop-fleet sandbox prune",
    ]
  }

  static func preflight(_ report: PreflightReport, paint: Paint) -> [String] {
    let name = Display.line("\(report.tenant)/\(report.repo)")
    let verdict = report.isUsable ? "workers can have worktrees of it" : "no worktree can be made of it"
    return ["\(name): \(verdict)"]
      + report.findings.map { finding in
        "  \(finding.isNote ? "note" : "refused")  \(Display.line(finding.name)): \(Display.line(finding.means))"
      }
  }

  private static func commits(_ commits: [SandboxDiff.Commit]) -> [String] {
    commits.map { "  \($0.oid.prefix(10)) \(Display.line($0.summary))" }
  }

  private static func count(_ number: Int64, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }
}
