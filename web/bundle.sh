#!/bin/sh
# Bundles the player page into web/dist, with the Node on PATH or, where it is absent or old, with PyPI's Node wheel.
set -eu
cd "$(dirname "$0")"
venv=$(cd .. && pwd)/.venv
PATH="$venv/bin:$PATH"
output=$(mktemp)

# Runs "$@" silently; `what` and one line of its output tell of a failure.
step() {
  what=$1
  shift
  "$@" >"$output" 2>&1 && return
  why=$(grep -i 'error' "$output" | grep -v -m 1 'error code' || tail -n 1 "$output")
  echo "web/bundle.sh: $what failed: $why (all of it: $output)" >&2
  exit 1
}

has_node() {
  command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

if ! has_node; then
  if [ ! -x "$venv/bin/python" ]; then
    echo "web/bundle.sh: no Node >= 20 with npm on PATH, and no .venv to install one into: run make setup" >&2
    exit 1
  fi
  step "installing Node from PyPI" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r ../requirements/node.lock
  hash -r
fi
step "installing the page's packages (npm ci)" npm ci --ignore-scripts --loglevel=error
step "checking and bundling the page" npm run --silent bundle
rm -f "$output"
