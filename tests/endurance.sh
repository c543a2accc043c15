#!/usr/bin/env bash
# Runs the long tests that `cargo test` leaves out, one at a time, in a release build: what must hold under kills, power
# cuts, full disks, failing receivers, reloads, stops, overload, hostile plugins and clients, and modules that are just
# within the limits of loading. Each prints its figures.
#
#   tests/endurance.sh                    all of them: about half an hour on two cores
#   tests/endurance.sh kill power         only these
#   CALLBACKS=100000 tests/endurance.sh chaos
#
# For meaningful figures, run nothing else on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

subjects=("$@")
if [ ${#subjects[@]} -eq 0 ]; then
    subjects=(kill power disk receiver replay facts reload shadow shutdown bad_clients overload chaos near_the_limits)
fi
# Tests with thousands of connections need one descriptor for each, in the client and in the server.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

# The test target of a subject, and the filter for its tests.
tests_of() {
    case $1 in
    near_the_limits) echo commands near_the_limits ;;
    *) echo endurance "$1::" ;;
    esac
}

for subject in "${subjects[@]}"; do
    read -r target _ < <(tests_of "$subject")
    cargo test --workspace --locked --release --test "$target" --no-run
done
failed=()
for subject in "${subjects[@]}"; do
    printf '\n==> %s\n' "$subject"
    started=$(date +%s)
    read -r target filter < <(tests_of "$subject")
    if cargo test --workspace --locked --release --test "$target" -- --ignored --nocapture --test-threads=1 "$filter"; then
        result=ok
    else
        result=FAILED
        failed+=("$subject")
    fi
    printf -- '--- %s: %s, %s s\n' "$subject" "$result" $(($(date +%s) - started))
done

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nFAILED: %s\n' "${failed[*]}" >&2
    exit 1
fi
