#!/usr/bin/env bash
# Nothing of a machine or a registry in the repository: lock files hold names, versions and hashes only.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
found=0
if git grep -nE '"resolved": *"https?://' -- '*.json' ; then found=1; fi
if git grep -nE '(^|[^A-Za-z0-9_])/(root|home/[a-z]+|work)/' -- ':!tools/hygiene.sh' ; then found=1; fi
if git grep -nIE -- '-----BEGIN ([A-Z]+ )?PRIVATE KEY-----' -- ':!tools/hygiene.sh'; then found=1; fi
exit $found
