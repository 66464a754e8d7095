/// The commented files that `looop-fleet init` lays down: the reference of every key, in the place where it is needed.
package enum ConfigurationStarter {
  package static let fleet = """
    # looop-fleet: what holds for the fleet as a whole. After a change: looop-fleet reload
    # Every key may be left out; the values shown are the built-in ones unless a line says "example".

    fleet:
      max_beats: 8              # beats at once, over all tenants
      max_decides: 4            # LLM decides at once
      max_workers: 16           # live workers; more are pending, never refused
      # time_zone: Europe/Berlin  # example; whose midnight resets the fleet's day (left out: the machine's zone)
      # budget:                 # the whole fleet's day; left out: only each tenant's own cap holds
      #   usd_per_day: 100      # example; a cap of 0 means that nothing may be spent
      #   tokens_per_day: 50000000
      #   decides_per_day: 5000
      grace: 10m                # how long live workers may go on once their tenant's budget is spent
      meter_every: 15s          # how often what live workers have spent is read from their transcripts
      disk_free_min: 1G         # no new sandbox below this much free space; below half of it who writes most is held still
      port_range: 20000-29999   # what sandboxes get their ports from
      # prices: /etc/looop-fleet/prices.yaml   # example; your own prices over the shipped table
      # require: [user, cgroup]   # example; guards without which `serve` must not start:
      #                         # user, cgroup, memory, cpu, pids, no_new_privileges, landlock,
      #                         # environment, resource_limits, proc
      # hooks:
      #   ask: [/usr/local/bin/notify-ask]     # example; gets each new ask as JSON on standard input
      #   webhook: https://example.org/asks    # example; gets it as JSON in a POST
      #   reminders: [1h, 4h, 1d]              # example; ages of an unanswered ask at which it is sent again

    # What tenants have that do not say otherwise in tenants.d/NAME.yaml. `none` lifts a limit.
    defaults:
      interval: 60s             # between two beats
      weight: 1                 # share of beats, decides and worker places beside the other tenants'
      budget:
        usd_per_day: 10         # built in: none
        # tokens_per_day: 5000000
        # decides_per_day: 500
      workers:
        max: 4                  # live workers; more are pending
        # memory_max: 4G        # for each worker
        # cpu: 2
        pids_max: 4096          # its processes and threads
        # bubblewrap: true      # each in a bubblewrap of its own instead of Landlock; codex can make its sandbox in there
      # total: { memory_max: 12G, cpu: 6, pids_max: 8192, disk_max: 50G }   # example; a tenant as a whole: its workers, beats and
      #                         # all else; data dir, runner home and sandboxes. Over its disk no decide and no worker starts, live ones are stopped
      sandboxes:
        ports: 10               # TCP ports of its own for each sandbox (LOOOP_PORT_BASE, LOOOP_PORT_COUNT); 0: none
        warm_pool: 1            # recycled worktrees kept ready for each repository, at most; 0: none
        include: true           # copy the ignored files that the checkout's .worktreeinclude names; or a list of patterns; false
        keep: 0s                # how long a worktree stays after its worker's end; unsaved work is parked then, never deleted
        # keep_failed: 1d       # the same for a worker that failed
        # disk_max: 20G         # worktrees, pool and private repositories together
        # setup: npm ci         # run as the tenant in a new worktree, before its worker starts
        # setup_timeout: 10m
        # teardown: docker compose down   # run there before the worktree is given back
        # private: false        # true: a repository of the tenant's own even where nobody shares the source (submodules need it)
      # landlock: auto          # auto: for tenants with a user of their own, where the kernel has it; on; off: for a runner
      #                         # that makes a sandbox of its own by mounting, such as codex
      # readable: [/opt/tools]  # example; what tenants may read besides their own and the system's under Landlock
      # writable: [/srv/cache]  # example; what they may write besides their own, as far as their users may; a user's home is not in it
      # environment: { HTTPS_PROXY: "http://proxy:3128" }   # example; added to the allow-listed environment

    """

  package static let tenant = """
    # An example of a tenant. Copy it to NAME.yaml beside this file (only *.yaml is read), or let `looop-fleet tenant add` write one.
    data_dir: /srv/looop/web    # its looop data dir
    user: alice                 # everything of it runs as this Unix user; left out: the supervisor's own
    # interval: 60s
    # weight: 2
    time_zone: Europe/Berlin    # whose midnight resets its budget
    repos:
      web: /srv/git/web.git     # what its workers may ask a sandbox of
    budget: { usd_per_day: 20, tokens_per_day: 5000000, decides_per_day: 500 }
    workers: { max: 4, memory_max: 4G, cpu: 2, pids_max: 512 }
    total: { memory_max: 12G, disk_max: 50G }
    sandboxes: { disk_max: 20G }
    # runner_home: /srv/looop/web-home   # where its runners keep logins and transcripts; left out: ~USER/.looop-fleet/NAME
    # environment: { ANTHROPIC_BASE_URL: "https://gateway.example.org" }
    # landlock: off
    # paused: true

    """
}
