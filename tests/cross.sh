#!/usr/bin/env bash
# Checks that the host compiles for the systems that authors and operators have besides this one. Wasmtime brings some C,
# so each target needs a C compiler: that of PyPI's `ziglang`, which has all of them.
#
#     tests/cross.sh
#
# Where the compiler or a target is missing, a line says so. With CALLGATE_REQUIRE_CROSS=1 that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

skipped() {
    printf '\nSKIPPED: %s\n' "$*" >&2
    [ "${CALLGATE_REQUIRE_CROSS:-}" != 1 ] || exit 1
}

if ! python3 -m ziglang version >/dev/null 2>&1; then
    skipped 'macOS, Windows and Linux on arm64 are not checked because there is no C compiler for them: pip install ziglang'
    exit 0
fi

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT

# Zig names targets in its own way, and does not know the arguments that choose one for other compilers. It refuses the
# date of compilation, which one library asks for.
cat >"$tools/zig-cc" <<'EOF'
#!/usr/bin/env bash
arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    --target=* | -mmacosx-version-min=*) ;;
    -arch | -isysroot) shift ;;
    *) arguments+=("$1") ;;
    esac
    shift
done
exec python3 -m ziglang cc -target "$ZIG_TARGET" -Wno-date-time "${arguments[@]}"
EOF
printf '#!/bin/sh\nexec python3 -m ziglang ar "$@"\n' >"$tools/zig-ar"
chmod +x "$tools/zig-cc" "$tools/zig-ar"

check() {
    local target=$1
    if ! [ -d "$(rustc --print target-libdir --target "$target")" ] && ! rustup target add "$target"; then
        skipped "$target is not checked because the toolchain does not have it: rustup target add $target"
        return
    fi
    printf '\n==> cargo check --package callgate --target %s\n' "$target"
    # An SDK of Apple's is not needed for what is compiled here; without this variable, its tools are asked for it.
    env "CC_${target//-/_}=$tools/zig-cc" "AR_${target//-/_}=$tools/zig-ar" ZIG_TARGET="$2" SDKROOT=/ \
        ZIG_LOCAL_CACHE_DIR="$tools/cache" ZIG_GLOBAL_CACHE_DIR="$tools/cache" \
        cargo check --locked --package callgate --target "$target"
}

check aarch64-apple-darwin aarch64-macos
check aarch64-unknown-linux-gnu aarch64-linux-gnu
check x86_64-pc-windows-gnu x86_64-windows-gnu
