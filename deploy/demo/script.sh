# Plays the demo through and checks each claim. Sourced by `demo`.

fail() {
  echo "demo: FAILED: $*" >&2
  { fleet status; fleet workers; fleet asks; fleet logs; } >&2 || true
  keep=true
  exit 1
}

# Looks again and again until the command succeeds.
await() { # SECONDS WHAT COMMAND…
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || fail "$what"
    sleep 0.2
  done
  echo "ok: $what"
}

claim() { # WHAT COMMAND…
  local what=$1
  shift
  "$@" >/dev/null 2>&1 || fail "$what"
  echo "ok: $what"
}

worker_is() { fleet workers --json | jq -e --arg t "$1" --arg i "$2" --arg p "$3" '.[] | select(.tenant == $t and .id == $i and .phase == $p)'; }
asks_for() { fleet asks --json | jq -e --arg id "$1" '.[] | select(.id == $id)'; }
tenant_is() { { fleet status --json || true; } | jq -e --arg t "$1" --arg p "$2" '.tenants[] | select(.name == $t and .phase == $p)'; }
commits_on() { git -C "$demo/repos/$1" log --format=%s "$2"; }
# Not through a pipe: grep would leave early, and git's broken pipe would count as a failure.
has_commit() { [[ $(commits_on "$1" "$2") == *"$3"* ]]; }
no_worktree() { [ "$(git -C "$demo/repos/$1" worktree list | wc -l)" = 1 ] && [ -z "$(ls "$demo/repos/$1/.git/worktrees" 2>/dev/null)" ]; }

play() {
  await 60 "web's worker asks before it commits" asks_for web/fix-check-1
  await 60 "api's worker asks before it commits" asks_for api/bump-version-1
  await 60 "docs' worker asks before it commits" asks_for docs/fix-link-1
  await 60 "api's second wish is pending, with its place" \
    sh -c "'$demo/fleet' workers --json | jq -e '.[] | select(.id == \"bump-spec\" and .phase == \"pending\" and .position == 1)'"
  await 60 "docs is held by its budget" tenant_is docs held
  await 60 "docs' budget asks in the same mailbox" \
    sh -c "'$demo/fleet' asks --json | jq -e '.[] | select(.tenant == \"docs\" and (.ask_id | startswith(\"budget-\")))'"
  claim "status exits 1 while a tenant is held" sh -c "'$demo/fleet' status; [ \$? = 1 ]"
  claim "nothing was committed without a yes" sh -c "[ \$(git -C '$demo/repos/web' rev-list --all --count) = 1 ]"
  claim "the worktree is one for git, too" sh -c "git -C '$demo/repos/web' worktree list | grep looop/fix-check"
  claim "and its repository is whole" git -C "$demo/repos/web" fsck --strict

  fleet answer web/fix-check-1 yes
  await 30 "web's worker committed on its branch" has_commit web looop/fix-check "off by one"
  await 30 "web's worker ended" worker_is web fix-check exited
  await 30 "web's worktree was given back" no_worktree web
  claim "an answered ask refuses a second answer" sh -c "'$demo/fleet' answer web/fix-check-1 no; [ \$? = 4 ]"
  claim "an unknown ask is refused" sh -c "'$demo/fleet' answer web/nothing-9 no; [ \$? = 5 ]"

  fleet answer api/bump-version-1 yes
  await 30 "api's second worker got the free place" asks_for api/bump-spec-1
  fleet answer api/bump-spec-1 no
  await 30 "a no is a no" worker_is api bump-spec exited
  claim "api's branch holds the first commit" has_commit api looop/bump-version "version: 1.5.0"

  budget=$(fleet asks --json | jq -r '.[] | select(.ask_id | startswith("budget-")) | .id')
  fleet answer "$budget" "raise 1"
  await 30 "with the raise docs decides again, and its second worker asks" asks_for docs/link-page-1
  fleet answer docs/fix-link-1 yes
  fleet answer docs/link-page-1 yes
  await 30 "docs' links are mended" has_commit docs looop/fix-link "mend the link"
  await 30 "docs' page is linked" has_commit docs looop/link-page "upgrade page"

  for name in web api docs; do
    await 30 "$name: no worktree is left" no_worktree $name
    claim "$name: git fsck" git -C "$demo/repos/$name" fsck --strict
  done
  fleet down --workers
  claim "the fleet is gone" sh -c "'$demo/fleet' status; [ \$? = 3 ]"
  claim "and no process of it is left" sh -c "! grep -lsz '$demo' /proc/[0-9]*/environ /proc/[0-9]*/cmdline | grep -v -e /self/ -e /$$/ -e /$PPID/ | xargs -r -n1 dirname | while read p; do tr '\\0' ' ' <\$p/cmdline; echo; done | grep -E 'looop( |-fleet)'"
  echo "demo: all claims hold"
}
