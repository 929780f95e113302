#!/bin/sh
# What the browser tests need, where it is missing: Chromium, and axe-core in the environment's own folder.
# Usage, from the repository's root: tests/browser/setup.sh .venv
# What cannot be had is said and is no error (the tests that want it are skipped), unless GANBENCH_BROWSER=required.
env=${1:?the folder of the environment}
axe=axe-core@4.14.1

as_root() { [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; }

debian() { apt-get install --yes "$1" || { apt-get update && apt-get install --yes "$1"; }; }

pinned() { grep -qs "\"version\": \"${axe#*@}\"" "$env/browser/node_modules/axe-core/package.json"; }

# not called `chromium`: `command -v` would find the function
get_chromium() {
    for name in "$GANBENCH_CHROMIUM" chromium chromium-browser google-chrome; do
        [ -n "$name" ] && command -v "$name" > /dev/null && return
    done
    if as_root; then debian chromium; else "$env/bin/python" -m playwright install chromium; fi
}

get_axe() {
    pinned && return
    command -v npm > /dev/null || { as_root && debian npm; } || return
    mkdir -p "$env/browser"
    npm install --prefix "$env/browser" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --silent "$axe"
}

pinned && "$env/bin/python" -m benchmarks.chromium 2> /dev/null && exit
get_chromium
get_axe
"$env/bin/python" -m benchmarks.chromium && exit
[ "$GANBENCH_BROWSER" != required ] || exit 1
echo "the browser tests will be skipped" >&2
