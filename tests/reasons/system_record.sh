# What the scenes of system_scenes.yml are made with, for bash on a host whose root is the client too.
since=$(date +%s)
mkdir -p /root/.ssh
ssh-keygen -q -t ed25519 -N '' -C mika -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519 /root/.ssh/good
for home in /root /home/deploy; do cat /root/.ssh/id_ed25519.pub >> $home/.ssh/authorized_keys; done
ssh-keyscan "$ADDRESS4" 127.0.0.1 > /root/.ssh/known_hosts 2>/dev/null
echo deploy:right | chpasswd
: > /tmp/client.log; : > /tmp/systemctl.log

ssh_words() { # what ssh says with these arguments
  timeout 10 ssh -v -o BatchMode=yes -o ConnectTimeout=5 "$@" </dev/null >>/tmp/client.log 2>&1
}
dial() { # a login by key as USER, with further options
  user=$1; shift
  ssh_words "$@" "$user@$ADDRESS4" true
}
dial_password() { # a login by a password as USER
  printf '#!/bin/sh\necho %s\n' "$2" > /root/askpass; chmod 755 /root/askpass
  SSH_ASKPASS=/root/askpass SSH_ASKPASS_REQUIRE=force DISPLAY=x timeout 12 ssh -v -o ConnectTimeout=5 \
    -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 "$1@$ADDRESS4" true </dev/null >>/tmp/client.log 2>&1
}
jump() { # a login over this jump host to the host itself
  ssh_words -J "$1" "deploy@$ADDRESS4" true
}
allow_passwords() {
  sed -i '1i PasswordAuthentication yes\nKbdInteractiveAuthentication yes\nChallengeResponseAuthentication yes' /etc/ssh/sshd_config
  sed -i '/^Kbd/d' /etc/ssh/sshd_config; systemctl restart ssh
}
keys_elsewhere() { # the keys do not stand in the home
  mkdir -p /etc/ssh/keys; cp /home/deploy/.ssh/authorized_keys /etc/ssh/keys/deploy; chmod 644 /etc/ssh/keys/deploy
  sed -i '1i AuthorizedKeysFile /etc/ssh/keys/%u' /etc/ssh/sshd_config; systemctl restart ssh
}
pam() { # lines at the top of sshd's stack
  for line; do printf '%s\n' "$line"; done | cat - /etc/pam.d/sshd > /etc/pam.d/sshd.new
  mv /etc/pam.d/sshd.new /etc/pam.d/sshd
}
gate() { # /usr/local/sbin/gate is this script
  printf '#!/bin/sh\n%s\n' "$1" > /usr/local/sbin/gate; chmod 755 /usr/local/sbin/gate
}
dropin() { # lines of a drop-in of ssh.service
  mkdir -p /etc/systemd/system/ssh.service.d
  printf '%s\n' "$@" > /etc/systemd/system/ssh.service.d/override.conf; systemctl daemon-reload
}
socket() { # lines of a drop-in of ssh.socket
  mkdir -p /etc/systemd/system/ssh.socket.d
  printf '%s\n' '[Socket]' "$@" > /etc/systemd/system/ssh.socket.d/listen.conf; systemctl daemon-reload
}
answer() { # on PORT, TEXT is sent to one client, by bash and systemd's own socket activation
  printf '#!/bin/sh\nprintf "%%s\\n" "$(cat /run/answer-%s)"; sleep 1\n' "$1" > /run/answer-$1.sh; chmod 755 /run/answer-$1.sh
  printf '%s' "$2" > /run/answer-$1
  systemd-socket-activate -a -l "127.0.0.1:$1" --inetd /run/answer-$1.sh >/dev/null 2>&1 &
  sleep 0.5
}
faketime_lastlog() { # the last login of deploy was long ago
  id=$(id -u deploy); printf '\001\000\000\000' | dd of=/var/log/lastlog bs=292 seek=$id conv=notrunc 2>/dev/null
}
systemctl() {
  command systemctl "$@" 2>>/tmp/systemctl.log
}
said() {
  journalctl --sync; journalctl -q -o json --no-pager --since "@$since"; echo
  echo '## said by systemctl'; cat /tmp/systemctl.log
  echo '## said by ssh'; cat /tmp/client.log
}
