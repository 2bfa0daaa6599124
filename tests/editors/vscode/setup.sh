#!/bin/sh
# Installs a real VS Code (code-server) and a driver for Chromium, once, and prints their folder.
# Needs node, npm, a C++ compiler (two small native modules) and Chromium; takes about two minutes.
set -eu
version=4.100.3 # VS Code 1.100.3, the oldest that the extension supports
driver=1.65.1   # of playwright-core
home=${INFILL_EDITORS:-${XDG_CACHE_HOME:-$HOME/.cache}/infill-editors}/vscode-$version
done=$home/.done-$driver

if [ -e "$done" ]; then
    echo "$home"
    exit
fi
mkdir -p "$home"
cd "$home"
{
    export NPM_CONFIG_FUND=false NPM_CONFIG_AUDIT=false NPM_CONFIG_LOGLEVEL=error
    echo '{"private": true}' >package.json
    # install scripts refuse root and fetch from elsewhere; what they would build is built below
    npm install --ignore-scripts "code-server@$version" "playwright-core@$driver"
    prefix=$(dirname "$(dirname "$(node -p 'process.execPath')")")
    [ -e "$prefix/include/node/node.h" ] && export npm_config_nodedir="$prefix"
    npm rebuild argon2
    cd node_modules/code-server/lib/vscode
    npm install --omit=dev --ignore-scripts
    npm rebuild @vscode/spdlog native-watchdog
    ln -sfn node_modules node_modules.asar
    if command -v rg >/dev/null; then
        mkdir -p node_modules/@vscode/ripgrep/bin
        ln -sf "$(command -v rg)" node_modules/@vscode/ripgrep/bin/rg
    fi
} >&2
touch "$done"
echo "$home"
