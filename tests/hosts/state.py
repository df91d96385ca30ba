"""The whole state of a test host that a remedy could touch, as text that can be compared."""

from __future__ import annotations

from hosts.testbed import TestHost

# Chains without a rule that accept everything are left out: tools make them in passing.
# /etc/mtab, hosts and resolv.conf are the container engine's; ld.so.cache is made anew by tools.
_STATE = r"""
cd /
find etc run/nologin run/sshd home root ! -type s ! -path 'etc/mtab' ! -path 'etc/resolv.conf' \
  ! -path 'etc/hosts' ! -path 'etc/ld.so.cache' ! -name '.bash_history' \
  -printf '%p %y %m %U:%G %l\n' 2>/dev/null | sort
find etc home root -type f ! -path 'etc/ld.so.cache' ! -path 'etc/hosts' ! -path 'etc/resolv.conf' \
  -exec sha256sum {} + | sort -k 2
for tool in iptables-nft-save ip6tables-nft-save iptables-legacy-save ip6tables-legacy-save 'ipset save'; do
  echo "# $tool"
  $tool 2>/dev/null | sed -e '/^#/d' -e 's/\[[0-9]*:[0-9]*\]//' -e 's/ timeout [0-9]*//' |
    awk '/^[*]/ { table = $0; held = ""; next } /^COMMIT/ { next }
         /^:/ && $2 == "ACCEPT" { next } { print table, $0 }' | sort
done
nft -s list ruleset 2>/dev/null | grep -v '^#\|^$' | sed -e 's/ expires [0-9a-z]*//' | awk '
  function tell(line) { if (table != "") { print table; table = "" } print line; told = 1 }
  /^table / { table = $0; told = 0; next }
  /^}/ { if (told) print; table = ""; next }
  /^\tchain / { size = 0; chain = $0; next }
  chain != "" && /^\t}/ {
    if (size != 1 || lines[1] !~ /policy accept;$/) {
      tell(chain); for (i = 1; i <= size; i++) tell(lines[i]); tell($0)
    }
    chain = ""; next
  }
  chain != "" { lines[++size] = $0; next }
  { tell($0) }'
if [ -d /run/systemd/system ]; then
  for unit in ssh.service ssh.socket ufw firewalld nftables fail2ban netfilter-persistent; do
    echo "$unit $(systemctl is-enabled $unit 2>&1) $(systemctl is-active $unit 2>&1 | sed s/failed/inactive/)"
  done
fi
dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' openssh-server 2>&1
true
"""


def state_of(host: TestHost) -> list[str]:
    """Files with modes, owners and sums; rules of every kind, without counters; units; the package."""
    return host.run(_STATE).splitlines()


def differences(before: list[str], after: list[str]) -> list[str]:
    """The lines that are in one of two states only."""
    return [f"-{line}" for line in before if line not in set(after)] + [
        f"+{line}" for line in after if line not in set(before)
    ]
