/// The text that every worker gets before its brief: how it speaks with the human and the loop, and what it must leave alone.
package enum WorkerContract {
  /// Where a sandboxed worker works.
  package struct Sandbox: Hashable, Sendable {
    package var path: String
    package var branch: String

    package init(path: String, branch: String) {
      self.path = path
      self.branch = branch
    }
  }

  /// Contract, then brief, one newline at the end.
  package static func prompt(
    id: String, dataDir: String, goal: String?, sandbox: Sandbox?, brief: String, isScript: Bool = false
  ) -> String {
    let contract = contract(id: id, dataDir: dataDir, goal: goal, sandbox: sandbox)
    let brief = brief.hasSuffix("\n") ? brief : brief + "\n"
    guard isScript else { return contract + brief }
    // A shell runs this file: what is meant for readers becomes comments.
    let comments = contract.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { "# \($0)\n" }
    return comments.joined() + brief
  }

  private static func contract(id: String, dataDir: String, goal: String?, sandbox: Sandbox?) -> String {
    let place = sandbox.map(sandboxed) ?? plain(id: id, dataDir: dataDir)
    let goalLine = goal.map { "You work for the goal \(dataDir)/goals/\($0).md.\n" } ?? ""
    return """
      You are worker `\(id)` of a looop loop. Nobody watches this terminal; everything goes through the commands below.
      The loop's data dir is \(dataDir). \("$LOOOP_BIN") is the program to call.
      \(goalLine)
      Talking with the human
      - There are no notifications from the system. If you need a human (a decision, an approval, a missing fact), ask and stand still:
        answer=$("$LOOOP_BIN" ask \(id) --prompt "QUESTION" [--ref PATH] [--options yes,no])
        One ask a question. It blocks until the answer is there, however long that takes; never end or go on while you wait. Nothing but
        the answer is printed. Where your tool limits a command's time, give it the longest time there is, and if it was cut off, look into
        \(dataDir)/answers/ for your ask's id before you ask again.
      - Between major steps, and before anything risky, run: "$LOOOP_BIN" told
        It prints what the human told you meanwhile. Obey it.
      - Anything that cannot be taken back (pushing to a shared branch, merging, releasing, deploying, deleting what others use, sending
        something to people) needs an ask first, and an explicit yes.

      Finishing
      - Only when all of it is done: "$LOOOP_BIN" kill \(id)
        That ends you. Write what there is to read to \(dataDir)/reports/ before.

      Leases
      - Claim only if you were told to: "$LOOOP_BIN" claim NAME, later "$LOOOP_BIN" unclaim NAME. If a claim fails, do not go on with that
        part; never idle while you hold one.

      Where you may write
      \(place)
      - In the data dir write only claims/ and reports/. PLAYBOOK.md, goals/, sensors/ and schedules/ are the loop's own: change them only if
        your brief is exactly that, with looop's verbs, after you showed the difference in an ask and got a yes. Never write snapshots/.

      Your brief

      """
  }

  private static func plain(id: String, dataDir: String) -> String {
    """
    - Work on code in a git worktree of your own (git worktree add /tmp/\(id) -b looop/\(id)), never in \(dataDir) and never in somebody's
      checkout. Remove it when you are done and nothing in it is unsaved.
    """
  }

  private static func sandboxed(_ sandbox: Sandbox) -> String {
    """
    - Your current directory, \(sandbox.path), is your own git worktree, on branch \(sandbox.branch). Work and commit there, on that branch;
      make no other worktree and leave other branches alone. It is kept when you end: commit what is worth keeping.
    - Others work on this machine at the same time. Servers that you start listen on port $LOOOP_PORT_BASE and those after it ($LOOOP_PORT_COUNT
      in all), where these are set; temporary files go below $TMPDIR.
    - Merging, pushing and deleting branches needs an ask and an explicit yes.
    """
  }
}
