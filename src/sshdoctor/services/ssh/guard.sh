# ---- The SSH server, as the guard asks for it (services/base.py says what each is)

server=sshd
server_names='ssh sshd' # Debian says ssh, others say sshd
server_units='ssh.service ssh.socket sshd.service sshd.socket'
server_files='/etc/ssh /etc/default/ssh'
server_folder=/run/sshd

server_installed() { [ -x /usr/sbin/sshd ] || guard_has sshd; }

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

