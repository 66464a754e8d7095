# Three projects with something wrong in each, and a loop for each of them. Sourced by `demo`; writes below $demo only.

commit_all() { # DIR MESSAGE
  git -C "$1" add -A
  git -C "$1" commit -qm "$2"
}

new_repository() { # DIR
  git init -q -b main "$1"
  git -C "$1" config user.name "Demo"
  git -C "$1" config user.email "demo@example.invalid"
}

# web: its own check fails.
make_web() {
  local repo=$demo/repos/web data=$demo/tenants/web
  new_repository "$repo"
  cat >"$repo/price.sh" <<'SH'
# total QUANTITY PRICE
total() { echo $(($1 * $2 - 1)); }
SH
  cat >"$repo/check.sh" <<'SH'
. ./price.sh
[ "$(total 6 7)" = 42 ] || { echo "total 6 7 gives $(total 6 7), not 42"; exit 1; }
echo "all good"
SH
  commit_all "$repo" "web shop: prices"
  mkdir -p "$data"/{goals,sensors}
  cat >"$data/PLAYBOOK.md" <<'MD'
Keep the shop's checks green. A fix is a worker's job; nothing is committed without a yes.
MD
  echo "The check of the web shop passes on main." >"$data/goals/checks-green.md"
  cat >"$data/sensors/check.sh" <<SH
#!/bin/sh
# Runs the project's own check on what stands on main.
copy=\$(mktemp -d)
trap 'rm -rf "\$copy"' EXIT
git -C '$repo' archive main | tar -x -C "\$copy"
if said=\$(cd "\$copy" && sh check.sh 2>&1); then ok=true; else ok=false; fi
printf '{"signal":{"ok":%s},"detail":{"said":"%s"}}\n' "\$ok" "\$said"
SH
  cat >"$data/rules.json" <<'JSON'
[
  {
    "name": "the check fails",
    "when": {"snapshot": "sensor-check", "path": "signal.ok", "equals": false},
    "unless": {"snapshot": "sys-sessions", "path": "signal.*.id", "equals": "fix-check"},
    "move": {
      "action": "start_worker", "id": "fix-check", "goal": "checks-green", "repo": "web",
      "journal": "the check says: {{sensor-check.detail.said}}",
      "prompt": "set -eu\nsed -i 's/ - 1//' price.sh\nsh check.sh\nanswer=$(\"$LOOOP_BIN\" _ ask --prompt \"price.sh was off by one; with the fix check.sh passes. Commit it on $(git branch --show-current)?\" --options yes,no --ref \"$PWD/price.sh\")\nif [ \"$answer\" = yes ]; then git commit -qam 'price: mend the total, it was off by one'; fi\n\"$LOOOP_BIN\" _ kill \"$LOOOP_SESSION_ID\""
    }
  }
]
JSON
}

# api: two files lag behind the changelog, and only one worker may live at a time.
make_api() {
  local repo=$demo/repos/api data=$demo/tenants/api
  new_repository "$repo"
  printf '# Changelog\n\n## 1.5.0\n\n- Faster lists.\n\n## 1.4.0\n' >"$repo/CHANGELOG.md"
  echo 1.4.0 >"$repo/VERSION"
  printf '{\n  "info": {"title": "api", "version": "1.4.0"}\n}\n' >"$repo/openapi.json"
  commit_all "$repo" "api: faster lists"
  mkdir -p "$data"/{goals,sensors}
  echo "Versions follow the changelog. Ask before you commit." >"$data/PLAYBOOK.md"
  echo "VERSION and openapi.json say what the changelog says." >"$data/goals/versions-agree.md"
  cat >"$data/sensors/version.sh" <<SH
#!/bin/sh
# Compares the version that main's files name with the newest one in its changelog.
show() { git -C '$repo' show "main:\$1"; }
newest=\$(show CHANGELOG.md | sed -n 's/^## //p' | head -n 1)
version=\$(show VERSION)
spec=\$(show openapi.json | sed -n 's/.*"version": "\([^"]*\)".*/\1/p')
printf '{"signal":{"newest":"%s","version_lags":%s,"spec_lags":%s}}\n' "\$newest" \\
  "\$([ "\$version" = "\$newest" ] && echo false || echo true)" "\$([ "\$spec" = "\$newest" ] && echo false || echo true)"
SH
  cat >"$data/rules.json" <<'JSON'
[
  {
    "name": "VERSION lags",
    "when": {"snapshot": "sensor-version", "path": "signal.version_lags", "equals": true},
    "unless": {"snapshot": "sys-sessions", "path": "signal.*.id", "equals": "bump-version"},
    "move": {
      "action": "start_worker", "id": "bump-version", "goal": "versions-agree", "repo": "api",
      "prompt": "set -eu\necho '{{sensor-version.signal.newest}}' >VERSION\nanswer=$(\"$LOOOP_BIN\" _ ask --prompt \"VERSION lagged behind the changelog; it would say {{sensor-version.signal.newest}}. Commit?\" --options yes,no)\nif [ \"$answer\" = yes ]; then git commit -qam 'version: {{sensor-version.signal.newest}}'; fi\n\"$LOOOP_BIN\" _ kill \"$LOOOP_SESSION_ID\""
    }
  },
  {
    "name": "the interface description lags",
    "when": {"snapshot": "sensor-version", "path": "signal.spec_lags", "equals": true},
    "unless": {"snapshot": "sys-sessions", "path": "signal.*.id", "equals": "bump-spec"},
    "move": {
      "action": "start_worker", "id": "bump-spec", "goal": "versions-agree", "repo": "api",
      "prompt": "set -eu\nsed -i 's/\"version\": \"[^\"]*\"/\"version\": \"{{sensor-version.signal.newest}}\"/' openapi.json\nanswer=$(\"$LOOOP_BIN\" _ ask --prompt \"openapi.json lagged behind the changelog. Commit {{sensor-version.signal.newest}}?\" --options yes,no)\nif [ \"$answer\" = yes ]; then git commit -qam 'openapi: version {{sensor-version.signal.newest}}'; fi\n\"$LOOOP_BIN\" _ kill \"$LOOOP_SESSION_ID\""
    }
  }
]
JSON
}

# docs: a link leads nowhere, a page is in no index, and the budget allows one decide a day.
make_docs() {
  local repo=$demo/repos/docs data=$demo/tenants/docs
  new_repository "$repo"
  mkdir "$repo/guide"
  printf '# Guide\n\n- [Install](guide/instal.md)\n' >"$repo/README.md"
  echo "# Install" >"$repo/guide/install.md"
  echo "# Upgrade" >"$repo/guide/upgrade.md"
  commit_all "$repo" "docs: a guide"
  mkdir -p "$data"/{goals,sensors}
  echo "Every link leads somewhere, every page is linked. Ask before you commit." >"$data/PLAYBOOK.md"
  echo "No broken link, no page without one." >"$data/goals/links-whole.md"
  cat >"$data/sensors/links.sh" <<SH
#!/bin/sh
# Links of main's README whose target is not there, and pages that no link leads to.
repo='$repo'
targets=\$(git -C "\$repo" show main:README.md | grep -o '([^)]*\.md)' | tr -d '()')
pages=\$(git -C "\$repo" ls-tree -r --name-only main guide)
broken= unlinked=
for t in \$targets; do echo "\$pages" | grep -qx "\$t" || broken=\$t; done
for p in \$pages; do echo "\$targets" | grep -qx "\$p" || unlinked=\$p; done
printf '{"signal":{"broken":"%s","unlinked":"%s"}}\n' "\$broken" "\$unlinked"
SH
  cat >"$data/rules.json" <<'JSON'
[
  {
    "name": "a link is broken",
    "when": {"snapshot": "sensor-links", "path": "signal.broken", "matches": "."},
    "unless": {"snapshot": "sys-sessions", "path": "signal.*.id", "equals": "fix-link"},
    "move": {
      "action": "start_worker", "id": "fix-link", "goal": "links-whole", "repo": "docs",
      "prompt": "set -eu\nsed -i 's#guide/instal.md#guide/install.md#' README.md\nanswer=$(\"$LOOOP_BIN\" _ ask --prompt \"README.md linked to {{sensor-links.signal.broken}}, which is not there. Commit the mended link?\" --options yes,no)\nif [ \"$answer\" = yes ]; then git commit -qam 'readme: mend the link to the install page'; fi\n\"$LOOOP_BIN\" _ kill \"$LOOOP_SESSION_ID\""
    }
  },
  {
    "name": "a page is linked from nowhere",
    "when": {"snapshot": "sensor-links", "path": "signal.unlinked", "matches": "."},
    "unless": {"snapshot": "sys-sessions", "path": "signal.*.id", "equals": "link-page"},
    "move": {
      "action": "start_worker", "id": "link-page", "goal": "links-whole", "repo": "docs",
      "prompt": "set -eu\necho '- [Upgrade](guide/upgrade.md)' >>README.md\nanswer=$(\"$LOOOP_BIN\" _ ask --prompt 'No link led to guide/upgrade.md. Commit one?' --options yes,no)\nif [ \"$answer\" = yes ]; then git commit -qam 'readme: link the upgrade page'; fi\n\"$LOOOP_BIN\" _ kill \"$LOOOP_SESSION_ID\""
    }
  }
]
JSON
}

make_configuration() {
  mkdir -p "$demo/etc/tenants.d"
  cat >"$demo/etc/fleet.yaml" <<'YAML'
# The whole fleet's limits; see deploy/example for every key.
fleet:
  max_workers: 8
defaults:
  interval: 5s
YAML
  cat >"$demo/etc/tenants.d/web.yaml" <<YAML
data_dir: $demo/tenants/web
repos: { web: $demo/repos/web }
budget: { usd_per_day: 5 }
YAML
  cat >"$demo/etc/tenants.d/api.yaml" <<YAML
data_dir: $demo/tenants/api
repos: { api: $demo/repos/api }
workers: { max: 1 }         # two are wanted: the second waits
YAML
  cat >"$demo/etc/tenants.d/docs.yaml" <<YAML
data_dir: $demo/tenants/docs
repos: { docs: $demo/repos/docs }
budget: { decides_per_day: 1 }   # two decides are wanted: the second is held, and asks
YAML
}

make_tenants() {
  make_web
  make_api
  make_docs
  for name in web api docs; do
    chmod +x "$demo/tenants/$name"/sensors/*.sh
    LOOOP_DATA_DIR=$demo/tenants/$name "$bin/looop" init --runner rules >"$demo/init-$name.log"
  done
  make_configuration
}
