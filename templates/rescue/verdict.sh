# The verdict for the eye: the five causes with which a search starts, each with what to type. It says what
# can be seen from here and now; the diagnosis is made from the capture.

# Each hexadecimal address at which something listens on a port (proc(5), state 0A).
listening() {
  hex=$(printf %04X "$1")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    sed -n "s/^ *[0-9]*: \([0-9A-F]*\):$hex [0-9A-F]*:0000 0A .*/\1/p"
}

daemon_runs() {
  find_servers sshd dropbear tinysshd >/dev/null
  here=$(readlink /proc/self/ns/net 2>/dev/null)
  printf %s "$programs" | while read -r pid program; do
    there=$(readlink "/proc/$pid/ns/net" 2>/dev/null)
    [ "${there:-$here}" = "$here" ] || continue # a container's
    case $program in
      */sshd*) case $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") in /* | *'[listener]'*) ;; *) continue ;; esac ;;
    esac
    echo "$pid"
    break
  done | grep -q .
}

configured_ports() {
  found=$(cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null |
    sed -n 's/^[[:space:]]*[Pp][Oo][Rr][Tt][[:space:]=]*\([0-9][0-9]*\).*/\1/p' | tr '\n' ' ')
  echo "${found:-22 }"
}

# Each rule, and each policy that stops what no rule names. What becomes of a packet is not told by their words.
rules() {
  sed -n -e '/^-A /p' -e '/^:INPUT DROP/p' -e '/^[[:space:]]*chain /,/^[[:space:]]*}/p' |
    grep -vE '^[[:space:]]*(chain |}|type .*policy accept)' | sed 's/^[[:space:]]*//'
}

naming() { grep -E "ports? (.*[^0-9])?$port([^0-9]|\$)|:INPUT DROP|hook input.*policy drop"; }

row() { printf ' %-26s %s\n' "$1" "$2"; }
to_type() { printf ' %-26s -> %s\n' '' "$1"; }

verdict_installed() {
  server=$(command -v sshd || command -v dropbear || command -v tinysshd)
  if [ -n "$server" ]; then
    row '1 SSH server installed?' "yes, $server"
    return
  fi
  row '1 SSH server installed?' 'NO, none is found'
  if has apt-get; then to_type 'apt install openssh-server'
  elif has dnf; then to_type 'dnf install openssh-server'
  elif has apk; then to_type 'apk add openssh'
  elif has pacman; then to_type 'pacman -S openssh'
  fi
}

verdict_daemon() {
  if daemon_runs; then
    row '2 SSH daemon running?' yes
  elif [ -n "$heard" ]; then
    row '2 SSH daemon running?' "no, but something holds port $port for it, or in its place"
  elif [ ! -r /proc/1/comm ] || [ -n "$unseen" ]; then
    row '2 SSH daemon running?' 'cannot be seen here'
  else
    row '2 SSH daemon running?' NO
    if [ -n "$server" ]; then to_type "$(restart)"; fi
    case $server in */sshd) complaint=$("$server" -t 2>&1 | head -n 1) ;; *) complaint= ;; esac
    if as_root && [ -n "$complaint" ]; then to_type "sshd -t   says: $complaint"; fi
  fi
}

restart() {
  unit=sshd
  for folder in /lib/systemd/system /etc/systemd/system; do [ ! -e "$folder/ssh.service" ] || unit=ssh; done
  [ ! -e /etc/init.d/ssh ] || unit=ssh
  if [ -d /run/systemd/system ]; then echo "systemctl restart $unit"
  elif has rc-service; then echo "rc-service $unit restart"
  elif has service; then echo "service $unit restart"
  else echo "$server"
  fi
}

verdict_port() {
  others=$(echo "$heard" | grep -v -e '^0100007F$' -e '^00000000000000000000000001000000$')
  if [ ! -r /proc/net/tcp ]; then
    row "3 Port $port listening?" 'cannot be seen here'
  elif [ -z "$heard" ]; then
    row "3 Port $port listening?" 'NO, nothing is in state LISTEN there'
    if has ss; then to_type 'ss -ltnp      shows what listens where'
    else to_type 'netstat -plnt shows what listens where'
    fi
  elif [ -z "$others" ]; then
    row "3 Port $port listening?" 'ONLY on the loopback address, for this machine alone'
    to_type 'grep -i ListenAddress /etc/ssh/sshd_config'
  else
    row "3 Port $port listening?" yes
  fi
}

verdict_dialled() {
  wrong=
  ports=$(configured_ports)
  case " $ports" in *" $port "*) ;; *) [ -n "$heard" ] || wrong="sshd_config has port ${ports% }" ;; esac
  if [ -n "$user" ] && ! id "$user" >/dev/null 2>&1; then
    wrong="${wrong:+$wrong; }there is no user $user"
  fi
  case " $address " in
    '  ') ;;
    *) case " $(addresses)" in
      *" $address "*) ;;
      *) wrong="${wrong:+$wrong; }$address is not on this machine (NAT?)" ;;
    esac ;;
  esac
  row '4 Right host, port, user?' "${wrong:-nothing wrong is seen from here}"
  case $wrong in *port*) to_type "ssh -p ${ports%% *}   instead of $port" ;; esac
}

verdict_firewall() {
  seen='' all='' where=''
  for tool in iptables-save ip6tables-save 'nft list ruleset'; do
    text=$($tool 2>/dev/null) || continue
    seen=yes
    text=$(echo "$text" | rules)
    [ -z "$text" ] || all="$all$text
" where="$where$tool; "
  done
  named=$(printf %s "$all" | naming)
  if [ -n "$named" ]; then
    row '5 Firewall lets it in?' 'LOOK, these name the port, or all (not judged here)'
    echo "$named" | head -n 3 | while read -r rule; do to_type "$rule"; done
  elif [ -n "$all" ]; then
    row '5 Firewall lets it in?' "LOOK, rules without a $port in them (not judged here)"
    to_type "${where%; }"
  elif [ -n "$seen" ]; then
    row '5 Firewall lets it in?' 'no rule is seen'
  elif as_root; then
    row '5 Firewall lets it in?' 'cannot be seen: iptables-save and nft say nothing'
  else
    row '5 Firewall lets it in?' 'cannot be seen without root'
  fi
}

verdict() {
  heard=$(listening "$port")
  echo
  echo "sshdoctor: port $port of $host, as seen on $(uname -n) at $(date -u +%H:%M:%S) UTC"
  verdict_installed
  verdict_daemon
  verdict_port
  verdict_dialled
  verdict_firewall
  as_root || echo ' You are not root: as root more can be seen.'
}

