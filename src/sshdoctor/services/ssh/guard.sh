# ---- The SSH server, as the guard asks for it (services/base.py says what each is)

server=sshd
server_names='ssh sshd' # Debian says ssh, others say sshd
server_units='ssh.service ssh.socket sshd.service sshd.socket'
server_files='/etc/ssh /etc/default/ssh'
server_folder=/run/sshd

server_installed() { [ -x /usr/sbin/sshd ] || guard_has sshd; }

# The process number and the command of the sshd that listens (the title of its sessions has no path).
server_process() {
  local file name line own
  own=$(readlink /proc/self/ns/pid)
  for file in /proc/[0-9]*/comm; do
    { read -r name <"$file"; } 2>/dev/null && [ "$name" = sshd ] || continue
    [ "$(readlink "${file%comm}ns/pid")" = "$own" ] || continue # in a container on this host
    # Anybody may call a program sshd; only root's is one that root shall start again.
    [ "$(stat -c %u "${file%/comm}")" = 0 ] || continue
    line=$({ tr '\0' ' ' <"${file%comm}cmdline"; } 2>/dev/null)
    case $line in
      'sshd: /'*' [listener]'*) line=${line#sshd: } ;;
      /*) ;;
      *) continue ;;
    esac
    file=${file#/proc/}
    echo "${file%/comm} ${line%% \[listener\]*}"
    return 0
  done
  return 1
}

server_accepts() {
  local sshd=/usr/sbin/sshd
  [ -x $sshd ] || sshd=$(command -v sshd) || return 1
  guard_try "$sshd" -t </dev/null
}

server_owns() { case $path in *ssh*) ;; *) return 1 ;; esac; }

server_touched() {
  case $path in
    */ssh.socket* | */sshd.socket*) units_due=yes socket_due=yes ;;
    /etc/systemd/*/ssh* | /run/systemd/*/ssh* | /etc/default/ssh) server_due=restart ;;
    /etc/ssh/*) server_due=${server_due:-reload} ;;
  esac
}

