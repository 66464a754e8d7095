/// The starter texts of a new data dir.
enum SeedTexts {
  static let playbook = """
    # PLAYBOOK

    Your judgment, for the loop to follow. Edit it as you learn: `looop playbook write -` keeps the old version.

    ## What matters
    - Finish what is under way before starting something new.
    - One small step that can be checked beats a large one that cannot.
    - A worker that asks is worth more than a worker that guesses.

    ## Guardrails
    - Nothing that cannot be taken back without an explicit yes: merging, releasing, deploying, deleting.
    - Code is changed by workers in a worktree of their own, never in the data dir.
    - At most two workers at a time, until this line says otherwise.

    ## How to work
    - Each goal file states what should be true. Compare it with the readings; start a worker where they differ.
    - Give a worker one task, what done looks like, and a verify command where one exists.
    - When a goal has come true, archive it.
    - If nothing needs doing, do nothing: that is a good move.

    """

  static let setupGoal = """
    # Set this loop up

    Wanted: this loop knows what it watches and what it is for.

    It waits for the answer to the ask `setup-1`. When that is there:
    1. Write one goal for each thing that the human named.
    2. Write a sensor for each place where its state can be seen (one JSON object: `signal` for what should wake the
       loop, `detail` for the rest).
    3. Put the human's priorities and limits into the PLAYBOOK.
    4. Archive this goal.

    Until then leave it alone: there is nothing to do.

    """

  static let dailyGoal = """
    # Look back once a day

    Wanted: the PLAYBOOK says what the last days have taught.

    When the sensor `today` shows a new date and the journal has entries since the last look: if something went wrong more
    than once, or the human decided the same thing twice, add one line to the PLAYBOOK about it. If there is nothing to
    learn, do nothing.

    """

  static let todaySensor = """
    #!/bin/sh
    # The date, so that the loop wakes at least once a day.
    printf '{"date":"%s"}\\n' "$(date +%Y-%m-%d)"

    """

  static let setupQuestion = """
    What should this loop watch and push forward? Name the repositories, services or boards, what you want to be true of \
    each, and what it must never do without asking you.
    """

  /// Scratch is ignored; policy, schedules and the PLAYBOOK's history are worth keeping in a repository.
  static let gitignore = """
    snapshots/
    sessions/
    runs/
    prompts/
    reports/
    claims/
    asks/
    answers/
    tells/
    verify/
    workers/
    parked/
    journal.md
    events.jsonl
    cost.jsonl
    tick.log
    .lock/
    .dirlock
    .decision.json
    .last-*
    .tick-backoff
    .noop-at.json
    .next-wake.json
    .decide-ledger.json
    .signal-flap.json
    .goal-activity.json
    .action-wal*
    .fleet.json
    *.1
    *.rotlock
    *.tmp

    """
}
