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

# Whoever has a shell, and a password or a file of keys, may log in: what holds for each at each own address.
server_effects() {
  local sshd=/usr/sbin/sshd options user address client="${guard_client-}"
  [ -x $sshd ] || sshd=$(command -v sshd) || return 0
  options=$(sed -n 's/^[[:space:]]*\(SSHD_OPTS\|OPTIONS\)=//p' /etc/default/ssh /etc/sysconfig/sshd 2>/dev/null |
    tr -d '\042\047' | tail -n 1)
  case $options in *[!A-Za-z0-9@%+=:,./_\ -]*) options='' ;; esac
  for user in $(server_accounts | head -n 12); do
    for address in $(server_addresses | head -n 4); do
      $sshd -T $options -C "user=$user,host=$client,addr=$client,laddr=$address,lport=22" 2>/dev/null |
        sed "s|^|$user $address |"
    done
  done
}

server_accounts() {
  local user rest home shell
  while IFS=: read -r user rest rest rest rest home shell; do
    case $shell in */nologin | */false | */sync | */shutdown | */halt) continue ;; esac
    case $user in '' | *[!A-Za-z0-9._-]*) continue ;; esac
    if [ -e "$home/.ssh/authorized_keys" ] || [ -e "$home/.ssh/authorized_keys2" ] ||
      grep -qs "^$user:[^!*:]" /etc/shadow; then echo "$user"; fi
  done </etc/passwd
}

server_addresses() {
  ip -o addr show scope global 2>/dev/null | sed -n 's|.* inet6* \([0-9a-f.:]*\)/.*|\1|p'
}

server_owns() { case $path in *ssh*) ;; *) return 1 ;; esac; }

server_touched() {
  case $path in
    */ssh.socket* | */sshd.socket*) units_due=yes socket_due=yes ;;
    /etc/systemd/*/ssh* | /run/systemd/*/ssh* | /etc/default/ssh) server_due=restart ;;
    /etc/ssh/*) server_due=${server_due:-reload} ;;
  esac
}

