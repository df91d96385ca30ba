"""A host under guard: remedies that go wrong are run on it, and its whole state is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from tempfile import NamedTemporaryFile

from hosts import engine
from hosts.testbed import TestHost
from sshdoctor.remedy.script import guard_text

RULES = r"""
for tool in iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy; do
  echo "== $tool"
  $tool-save 2>/dev/null | sed '/^#/d; s/ \[[0-9]*:[0-9]*\]$//'
done
nft list tables 2>/dev/null | grep -vE ' ip6? (filter|nat)$' | while read -r _ family name; do
  nft list table $family $name | sed 's/ packets [0-9]* bytes [0-9]*//; s/ {.*#.*/ {/'
done
! command -v ipset >/dev/null || ipset save | sed '/^add /s/ timeout [0-9]*//' | sort
"""
STATE = (
    RULES
    + r"""
echo "== files"
tops=$(ls -d /etc /root/.ssh /run/nologin /srv/kept 2>/dev/null)
find $tops -printf '%p %y %m %U:%G %l\n' | sort
find $tops -type f -printf '%T@ %p\n' | sort
find $tops -type f -print0 | sort -z | xargs -0 sha256sum
echo "== units"
if [ -d /run/systemd/system ]; then
  for unit in ssh.service ssh.socket ufw firewalld nftables fail2ban; do
    echo "$unit $(systemctl is-active $unit) $(systemctl is-enabled $unit 2>&1)"
  done
fi
netstat -ltn | awk 'NR > 2 { print "listens", $4 }' | sort
"""
)
"""Rules without counters, files with modes and times, units, and what listens."""


@dataclass(frozen=True, slots=True)
class GuardedHost:
    """A test host with guard.sh in /root; each remedy gets a state of its own."""

    host: TestHost
    shell: str = "sh -u"
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        with NamedTemporaryFile("w") as file:
            file.write(guard_text())
            file.flush()
            engine.podman("cp", file.name, f"{self.host.container}:/root/guard.sh")
        self.host.run(f"cat >/root/state.sh <<'END'\n{STATE}\nEND")

    def run(self, script: str) -> str:
        return self.host.run(script)

    def state(self) -> str:
        return self.host.run("sh /root/state.sh")

    def apply(self, changes: str, seconds: int = 2) -> str:
        """Run changes under guard; the output. ``kill -KILL $$`` at their end is our death."""
        script = f"""
. /root/guard.sh
guard_open r{next(self._numbers)} </root/guard.sh && guard_take && guard_arm {seconds} || exit 9
{changes}
"""
        return self.host.run(
            f"cat >/root/apply.sh <<'END'\n{script}\nEND\n{self.shell} /root/apply.sh || echo exit $?"
        )

    def sabotage(self, changes: str, seconds: int = 2) -> str:
        """Changes, after which the one who made them is killed; the state that they led to. They have to come
        to their end in ``seconds``, on a busy machine too: then all is put back."""
        return self.apply(f"({changes}) >/dev/null 2>&1\nsh /root/state.sh\nkill -KILL $$", seconds)

    def status(self) -> list[list[str]]:
        """The words of each line of ``guard_status``: the newest state first."""
        listed = self.host.run(". /root/guard.sh; guard_status")
        return [line.split() for line in listed.splitlines()]

    def newest(self) -> str:
        return self.host.run(". /root/guard.sh; guard_all | head -n 1")

    def say(self, word: str) -> str:
        """A word to the newest state, as from a new connection."""
        return self.host.run(f"sh {self.newest()}/guard.sh {word} 2>&1 || true")

    def await_word(self, word: str, minutes: int = 1) -> None:
        """Raises EngineError if the newest state does not come to ``word``."""
        there = f"[ -e {self.newest()}/{word} ]"
        wait = f"SECONDS=0; until {there} || ((SECONDS >= 30)); do sleep 0.1; done"
        for _ in range(2 * minutes - 1):  # one command may take a minute at most
            self.host.run(wait)
        self.host.run(f"{wait}; {there}")

    def journal(self) -> str:
        return self.host.run(f"cat {self.newest()}/journal")
