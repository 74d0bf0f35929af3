#!/bin/sh
# Installs what the lab, the tests and the demo need beyond Go, on Debian 12, and
# the packages that are named. Says nothing and takes no time when everything is
# there. Needs root.
#
#	sh lab/deps.sh [PACKAGE…]
set -eu

if ! command -v dpkg-query >/dev/null || [ "$(uname -s)" != Linux ]; then
	echo "The lab, the tests and the demo need Debian, Go and root; 'go run ./cmd/wharfinger render examples/demo' needs nothing but Go." >&2
	exit 1
fi

packages="docker.io docker-registry iproute2 iptables util-linux git gnupg openssh-client curl jq make ca-certificates $*"

missing=""
for p in $packages; do
	case "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)" in
	*" ok installed") ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "The lab, the tests and the demo need root, to start engines and to install$missing; 'go run ./cmd/wharfinger render examples/demo' needs nothing but Go." >&2
	exit 1
fi

# The packages bring system services (an engine, a registry) that nobody asked
# for here: the lab starts its own. Debian asks this file before it starts a
# service; an existing one is the administrator's and stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	trap 'exit 1' HUP INT TERM
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

echo "deps: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
