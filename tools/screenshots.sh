#!/usr/bin/env bash
# Takes the guide's pictures from a fresh sample node: tools/screenshots.sh [FOLDER], by default docs/guide/images
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(realpath -m "${1:-$here/docs/guide/images}")
work=$(mktemp -d)
port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
url=http://localhost:$port
"$here/renkei" demo --data "$work/data" --port "$port" >"$work/log" 2>&1 &
node=$!
trap 'kill "$node" 2>/dev/null; wait "$node" 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 300); do
  kill -0 "$node" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  curl -fs -o /dev/null "$url/sign-in" && break
  sleep 1
done
[ -f "$here/tests/Node/bin/Release/net10.0/Renkei.Node.Tests.dll" ] || dotnet build "$here/tests/Node/Node.Tests.csproj" -c Release -v q --nologo
RENKEI_SCREENSHOTS=$folder RENKEI_SCREENSHOT_URL=$url dotnet "$here/tests/Node/bin/Release/net10.0/Renkei.Node.Tests.dll" -class "*Screenshots"
