#!/usr/bin/env bash
# Walks the way of plugin-sdk/README.md, from an empty folder to a plugin that is served: types its commands, writes its
# files, and compares what it shows with what comes out. A reader who does the same must not get stuck.
#
#     tests/readme.sh                  with a debug build of the host
#     tests/readme.sh --host FILE      with a host that was built before
#     tests/readme.sh --from-scratch   word by word: builds the host as the page says, into an empty target folder
#
# What differs from the page: the host's build (see above), with it the toolchain, which is the checkout's, so that
# another one need not be fetched; and the port, which the system chooses.
set -euo pipefail

checkout=$(cd "$(dirname "$0")/.." && pwd)
page=$checkout/plugin-sdk/README.md
started=$SECONDS

fail() {
    printf 'readme.sh: %s\n' "$*" >&2
    exit 1
}

# What an outer cargo or the reader's own shell has set for itself is not part of the page.
from_outside=${CARGO_TARGET_DIR:-}
unset CARGO CARGO_TARGET_DIR CARGO_ENCODED_RUSTFLAGS RUSTFLAGS RUSTUP_TOOLCHAIN NO_COLOR

work=$(mktemp -d)
# What is compiled goes with the rest.
export CACHE_DIRECTORY=$work/cache
serving=
stop() {
    if [ -n "$serving" ]; then kill "$serving" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap stop EXIT

# The new plugin lies in an empty folder beside the checkout.
mkdir "$work/blocks" "$work/home"
case ${1:-} in
--from-scratch)
    # A copy, as `git clone` makes it: nothing that was built here is found.
    git clone --quiet "$checkout" "$work/home/callgate"
    host=
    ;;
--host)
    host=$(realpath "$2")
    ;;
'')
    (cd "$checkout" && CARGO_TARGET_DIR=${from_outside:-target} cargo build --locked --package callgate)
    host=$(cd "$checkout" && realpath "${from_outside:-target}/debug/callgate")
    ;;
*) fail "unknown argument $1" ;;
esac
if [ -n "$host" ]; then
    if toolchain=$(cd "$checkout" && rustup show active-toolchain 2>/dev/null); then
        export RUSTUP_TOOLCHAIN=${toolchain%% *}
    fi
    ln -s "$checkout" "$work/home/callgate"
    mkdir "$work/bin"
    ln -s "$host" "$work/bin/callgate"
fi

# The blocks of the numbered sections, one file each: 01.sh, 02.sh, 03.rust, ...
awk -v folder="$work/blocks" '
    /^## /     { walking = $2 ~ /^[0-9]+\.$/ }
    /^```/     { if (file) { close(file); file = "" }
                 else { inside = 1; if (walking) { file = sprintf("%s/%02d.%s", folder, ++count, substr($0, 4)) } else file = "/dev/null"; printf "" > file }
                 next }
    file       { print > file }
' "$page"

# Compares what the page shows with what came out. Fuel and memory depend a little on the toolchain, so they may be a
# quarter off, percentages more; times are not compared.
compare() {
    awk -v shown_file="$1" '
        function value(text) { gsub(/_/, "", text); return text }
        function is_number(text) { return value(text) ~ /^[0-9]+(\.[0-9]+)?$/ }
        function is_close(a, b) { a = value(a) + 0; b = value(b) + 0; return a >= b * 0.75 && a <= b * 1.25 }
        function same(shown, found, count, i, a, b) {
            if (shown == found) return 1
            count = split(shown, a, /[ \t]+/)
            if (split(found, b, /[ \t]+/) != count || shown !~ /(^| )(fuel|memory|time|cpu) /) return 0
            for (i = 1; i <= count; i++) {
                if (a[i] == b[i] || a[i] ~ /^\([0-9.]+$/ && b[i] ~ /^\([0-9.]+$/) continue
                if (!is_number(a[i]) || !is_number(b[i])) return 0
                if (shown !~ /^(time|cpu) / && !is_close(b[i], a[i])) return 0
            }
            return 1
        }
        BEGIN { while ((getline line < shown_file) > 0) shown[++lines] = line }
        { if (!same(shown[NR], $0)) { printf "  the page shows: %s\n  it is:          %s\n", shown[NR], $0; wrong = 1 } }
        END { if (NR != lines) { printf "  the page shows %d lines, there are %d\n", lines, NR; wrong = 1 } exit wrong }
    ' "$2"
}

# Runs one command of the page in this shell. What it prints is left in $work/out.
run() {
    local command=${1//127.0.0.1:8080/${address:-127.0.0.1:8080}}
    printf '\n$ %s\n' "$command"
    case $command in
    'callgate serve '*)
        exec 3< <(eval "exec $command" 2>&1)
        serving=$!
        local line
        while read -r line <&3; do
            printf '%s\n' "$line"
            case $line in *'serving callbacks address='*) address=${line##*address=} && return ;; esac
        done
        fail 'the host does not serve'
        ;;
    *'cargo build --release'*)
        if [ -n "$host" ]; then
            echo "(left out: the host is $host)"
            export PATH="$work/bin:$PATH"
            return
        fi
        ;;
    'export PATH='*)
        if [ -n "$host" ]; then return; fi
        ;;
    esac
    eval "$command" >"$work/out" || fail "this ended with exit code $?: $command"
    cat "$work/out"
}

# `curl -s URL -H HEADER -d BODY`, where there is no curl.
if ! command -v curl >/dev/null; then
    curl() {
        local rest=${2#http://} head line
        local authority=${rest%%/*}
        exec 4<>"/dev/tcp/${authority%:*}/${authority#*:}"
        printf 'POST /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\nContent-Length: %d\r\n\r\n%s' \
            "${rest#*/}" "$authority" "$4" "$(printf %s "$6" | wc -c)" "$6" >&4
        while read -r line <&4 && [ "$line" != $'\r' ]; do :; done
        cat <&4
        exec 4>&-
    }
fi

cd "$work/home"
sources=0
for block in "$work"/blocks/*; do
    case $block in
    *.sh)
        command=
        while IFS= read -r line; do
            command+=$line
            case $line in
            *\\) command=${command%\\} && continue ;;
            esac
            # A comment is for the reader.
            if [ -n "$command" ]; then run "${command%%  \#*}"; fi
            command=
        done <"$block"
        ;;
    *.rust)
        # The first is the plugin, the second its tests, below it.
        if [ "$sources" = 0 ]; then cat "$block" >src/lib.rs; else { echo && cat "$block"; } >>src/lib.rs; fi
        sources=$((sources + 1))
        ;;
    *.toml)
        { printf '[server]\nlisten = "127.0.0.1:0"\n[admin]\noff = true\n' && cat "$block"; } >host.toml
        ;;
    *.text | *.json)
        # The answer to a request does not end its last line.
        if [ -n "$(tail -c 1 "$work/out")" ]; then echo >>"$work/out"; fi
        compare "$block" "$work/out" || fail "the page shows something else than what comes out"
        echo "(as on the page)"
        compared=$((${compared:-0} + 1))
        ;;
    *) fail "a block of an unknown kind: ${block##*/}" ;;
    esac
done

# What the page promises was there.
[ -n "$serving" ] || fail 'the page does not serve its plugin'
[ "$sources" = 2 ] || fail "the page has $sources pieces of source, and 2 are known here"
[ "${compared:-0}" = 3 ] || fail "the page shows ${compared:-0} outputs, and 3 are known here"
kill "$serving"
wait "$serving" || fail "the host ended with exit code $?"
serving=
printf '\nThe way of plugin-sdk/README.md was walked in %d s.\n' "$((SECONDS - started))"
