"""What makes firewall rules at boot, or again and again, by the host's own words: a unit, cron, a script."""

from __future__ import annotations

from contextlib import suppress

from sshdoctor.facts.parsing.words import OddWordError, path, unit_name

LOADERS = """
echo '## loaders'
rules='^[^#]*(ip6?tables|ipset|nft) '
makes() { [ -f "$1" ] && grep -qsE "$rules" "$1"; }
made() { # made KIND NAME WORD...: the words are commands; a line if one of them makes rules
  kind=$1 name=$2; shift 2
  for word; do
    case $word in
      *tables | *tables-restore | */nft | nft) echo "$kind $name"; return ;;
      /usr/local/* | /opt/* | /root/* | /srv/* | /etc/* | /home/* | /var/*)
        ! makes "$word" || { echo "$kind $name $word"; return; } ;;
    esac
  done
}
own='(tables|nft |/usr/local/|/opt/|/root/|/srv/|/etc/|/home/|/var/)'
set -f
for file in $(set +f; grep -lsE "^Exec[A-Za-z]*=.*$own" /etc/systemd/system/*.service \\
  /lib/systemd/system/*.service /usr/local/lib/systemd/system/*.service); do
  unit=${file##*/} unit=${unit%.service}
  case $unit in ufw | firewalld | nftables | netfilter-persistent | ip*tables | fail2ban | docker) continue ;;
    sshguard | crowdsec* | ferm | shorewall*) continue ;; esac
  kind=unit name=$unit.service
  for folder in /etc/systemd/system /lib/systemd/system /run/systemd/system; do
    [ ! -e $folder/$unit.timer ] || kind=timer name=$unit.timer
  done
  # shellcheck disable=SC2046 # the words of a command line
  made $kind $name $(sed -n 's/^Exec[A-Za-z]*=[-+!@:]*//p' $file)
done
for file in /etc/crontab $(set +f; echo /etc/cron.d/* /var/spool/cron/root /var/spool/cron/crontabs/root); do
  [ -f "$file" ] && [ -r "$file" ] || continue
  # shellcheck disable=SC2094 # both only read
  while IFS= read -r line; do
    case $line in [!#]*) made cron $file $line ;; esac
  done <$file
done
set +f --
for file in /etc/rc.local /etc/cron.hourly/* /etc/cron.daily/* /etc/network/if-*.d/*; do
  [ -h "$file" ] || [ ! -f "$file" ] || set -- "$@" "$file"
done
[ $# = 0 ] || grep -lsE "$rules" "$@" | sed 's/^/script /'
"""
"""Prints a line for each: KIND NAME [FILE]. What packages of firewalls bring is known by other means."""


def loaders(text: str) -> tuple[str, ...]:
    """
    >>> loaders("timer fw.timer /usr/local/sbin/fw.sh\\ncron /etc/cron.d/fw\\nscript /etc/rc.local\\n")
    ('fw.timer (/usr/local/sbin/fw.sh)', '/etc/cron.d/fw', '/etc/rc.local')
    """
    found = []
    for line in text.splitlines():
        kind, name, file = [*line.split(" ", 2), "", ""][:3]
        with suppress(OddWordError):
            named = unit_name(name) if kind in ("unit", "timer") else path(name)
            found.append(f"{named} ({path(file)})" if file else named)
    return tuple(dict.fromkeys(found))
