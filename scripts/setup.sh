#!/usr/bin/env bash
# What a fresh clone needs before any of our programs can run: the npm packages, which bring Node 24 along. Then runs one of them.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=node_modules/.lock-sha256
want=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$want" ]; then
  echo "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error
  echo "$want" > "$stamp"
fi
export PATH="$PWD/node_modules/.bin:$PATH"

program=${1:?"usage: setup.sh demo|test|faults [options]"}
shift
case "$program" in
  demo) exec tsx e2e/demo/main.ts "$@" ;;
  test) exec tsx scripts/test.ts "$@" ;;
  faults) exec tsx e2e/faults/main.ts "$@" ;;
  *) echo "unknown program $program" >&2; exit 2 ;;
esac
