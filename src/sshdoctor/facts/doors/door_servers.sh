# What each SSH server that runs would do with each account, and the files that it reads (door_servers.py).
began=$(date +%s)
late() { [ $(( $(date +%s) - began )) -ge 8 ]; }
echo '## uid'; id -u
find_servers $programs_of_servers
all=$(listing)
names=$(printf '%s\n' "$all" | cut -d: -f1)
# The files that a configuration is made of.
files_of() {
  echo "$1"
  sed -n 's/"//g; s/^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]=]*//p' "$1" 2>/dev/null |
    while read -r line; do for pattern in $line; do
      case $pattern in /*) ;; *) pattern=/etc/ssh/$pattern ;; esac
      for file in $pattern; do [ ! -f "$file" ] || echo "$file"; done
    done; done
}
shown=
once() { case $shown in *"|$1|"*) return 1 ;; esac; shown="$shown|$1|"; }
blobs() { sed -n 's/^[^#]*[[:space:]]\(AAAA[A-Za-z0-9+/=]*\).*/\1/p' "$1" | head -n 50; }
value() { printf '%s\n' "$settings" | sed -n "s/^$1 //p" | head -n 1; }
# read_files NAME HOME UID: what the settings name, beside keys.
read_files() {
  ca=$(value trustedusercakeys)
  case $ca in /*) ! once "$ca" || { echo "## blobs $ca"; [ -r "$ca" ] && blobs "$ca" || echo absent; } ;; esac
  gone=$(value revokedkeys)
  case $gone in
    /*)
      if once "$gone"; then
        echo "## revoked $gone"
        if [ -f "$gone" ]; then
          echo readable
          [ "$(wc -c <"$gone")" -gt 60000 ] || base64 "$gone"
        else echo gone; fi
      fi ;;
    *) gone= ;;
  esac
  named=$(value authorizedprincipalsfile)
  case $named in ''|none) return ;; esac
  named=$(printf '%s' "$named" | sed "s|%h|$2|g; s|%u|$1|g; s|%U|$3|g; s|%%|%|g")
  case $named in /*) ;; *) named=$2/$named ;; esac
  once "$named" || return
  echo "## lines $named"
  if [ -f "$named" ]; then sed -n '/^[[:space:]]*[^#[:space:]]/s/^/|/p' "$named" | head -n 100; else echo absent; fi
}
# command_of NUMBER NAME HOME UID: the keys that AuthorizedKeysCommand gives, asked as sshd asks it. One that
# is told which key is offered is left alone.
command_of() {
  command=$(value authorizedkeyscommand) as=$(value authorizedkeyscommanduser)
  case $command in /*) ;; *) return ;; esac
  case $command in *%[!uUh%]*) return ;; esac
  [ "$as" != none ] && [ -n "$as" ] && command -v runuser >/dev/null && trusted "${command%% *}" || return
  case $command in *' '*) ;; *) command="$command %u" ;; esac
  command=$(printf '%s' "$command" | sed "s|%h|$3|g; s|%u|$2|g; s|%U|$4|g; s|%%|%|g")
  echo "## command $1 $2"
  set -f
  set -- $command
  set +f
  timeout 3 runuser -u "$as" -- "$@" 2>/dev/null </dev/null | head -n 200 |
    sed -n -E 's/^(.*[[:space:]])?(ssh|ecdsa|sk)-[A-Za-z0-9@.-]+[[:space:]]+(AAAA[A-Za-z0-9+\/=]+).*/|\3 \1/p'
}
keys_of() { # NUMBER NAME
  user=$2
  text=$(of_account)
  echo "## keys $1 $2"
  printf '%s\n' "$text" | sed 's/^/|/'
  printf '%s\n' "$text" | sed -n 's/^## file //p' | while IFS= read -r file; do
    [ -f "$file" ] || continue
    echo "## authorities $1 $2 $file"
    sed -n -E '/^[[:space:]]*#/d; /cert-authority/s/^(.*)[[:space:]](ssh|ecdsa|sk)-[A-Za-z0-9@.-]+[[:space:]]+(AAAA[A-Za-z0-9+\/=]+).*/|\3 \1/p' "$file"
    [ -n "$gone" ] && [ -f "$gone" ] || continue
    grep -aoE '(ssh|ecdsa|sk)-[A-Za-z0-9@.-]+[[:space:]]+AAAA[A-Za-z0-9+/=]+' "$file" | while read -r line; do
      ! printf '%s\n' "$line" | ssh-keygen -Q -f "$gone" /dev/stdin 2>/dev/null | grep -q REVOKED || {
        echo "## gone $1 $2 $file ${line##* }"; }
    done
  done
}
principals_of() { # NUMBER NAME: whether sshd would read the account's list of principals, judged as its keys
  files_asked=$(value authorizedprincipalsfile)
  case $files_asked in ''|none) files_asked=; return ;; esac
  user=$2
  text=$(of_account)
  files_asked=
  echo "## principals $1 $2"
  printf '%s\n' "$text" | sed 's/^/|/'
}
telling='port|usepam|pamservicename|authenticationmethods|[a-z0-9]*authentication|permit(rootlogin|emptypasswords)'
telling="$telling|(allow|deny)(users|groups)|strictmodes|forcecommand|chrootdirectory|trustedusercakeys|revokedkeys"
telling="$telling|authorized(keys|principals)(file|command|commanduser)|pubkeyaccepted(algorithms|keytypes)"
# What of sshd -T the doors hang on.
kept() { grep -E "^($telling) "; }
told() { # ACCOUNT ADDRESS: what this server would do.
  "$daemon" -T $sshd_options -C "user=$1,host=$2,addr=$2,laddr=${address:-127.0.0.1},lport=${lport:-22}" 2>&1
}
asked() { told "$@" | kept; }
look() { # NUMBER: an sshd with $sshd_options
  # Where a Match block names the port or address that is dialled, sshd answers only who names them, too.
  settings=$("$daemon" -T $sshd_options 2>&1) || settings=$(told nobody "${client:-127.0.0.1}") || {
    echo "## fault $1"; printf '%s\n' "$settings" | head -n 3; }
  settings=$(printf '%s\n' "$settings" | kept)
  base=$settings
  echo "## ports $1"; [ -n "$2" ] && echo "$2" || printf '%s\n' "$settings" | sed -n 's/^port //p'
  ports=${2:-$(printf '%s\n' "$settings" | sed -n 's/^port //p')}
  lport=${ports%%[!0-9]*}
  echo "## settings $1"; printf '%s\n' "$settings"
  main=/etc/ssh/sshd_config
  case $sshd_options in *-f*) main=$(printf ' %s\n' "$sshd_options" | sed -n 's/.* -f *\(\/[^ ]*\).*/\1/p') ;; esac
  files=$(files_of "$main")
  match=$(grep -hsiE '^[[:space:]]*match[[:space:]]' $files)
  users=$(printf '%s\n' "$settings" | grep -E '^(allow|deny)users .*@')
  rules=$(sed -n 's/^[^#]*accessfile=\([^[:space:]]*\).*/\1/p' /etc/pam.d/* 2>/dev/null)
  rules=$(grep -hsE '^[-+]' /etc/security/access.conf $rules)
  from=$(printf '%s\n' "$all" | cut -d: -f6 | while read -r home; do
    grep -hsoE 'from="[^"]*"' "$home/.ssh/authorized_keys"; done)
  addresses=$(printf '%s\n' "$match" "$users" "$rules" "$from" | tr ' ,!@"=()\t' '\n' | grep -E '^[0-9a-fA-F:]*[.:][0-9a-fA-F.:]*(/[0-9]{1,3})?$' | sed -e '/:/!s,/32$,,' -e 's,/128$,,' | sort -u | head -n 6)
  [ -z "$addresses" ] || addresses="$addresses 127.0.0.1 $elsewhere"
  echo "## addresses $1"; for one in $addresses; do echo "$one"; done
  printf '%s\n' "$match" | grep -qi 'localport[[:space:]]' || ports=$lport
  by_address=$(printf '%s\n' "$match" | grep -iE '(address|host)[[:space:]]')
  for name in $names; do
    late && { echo '## late'; return; }
    case $name in -*) continue ;; esac
    settings=$base
    if [ -n "$match" ]; then
      for lport in $ports; do
        at=; [ "$ports" = "$lport" ] || at="$lport "
        settings=$(asked "$name" "${client:-127.0.0.1}")
        echo "## view $1 $at${client:-127.0.0.1} $name"; printf '%s\n' "$settings"
        [ -z "$by_address" ] || for one in $addresses; do
          echo "## view $1 $at$one $name"; asked "$name" "${one%%/*}"
        done
      done
    fi
    home=$(printf '%s\n' "$all" | sed -n "s/^$name:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*/\1/p" | head -n 1)
    uid=$(printf '%s\n' "$all" | sed -n "s/^$name:[^:]*:\([^:]*\):.*/\1/p" | head -n 1)
    read_files "$name" "$home" "$uid"
    keys_of "$1" "$name"
    principals_of "$1" "$name"
    command_of "$1" "$name" "$home" "$uid"
  done
}
serving=" $servers "
for pid in $servers; do
  exe=$(readlink "/proc/$pid/exe") exe=${exe% (deleted)}
  parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
  case $serving in *" $parent "*) continue ;; esac
  title=$(tr '\000\001-\037' ' ' <"/proc/$pid/cmdline")
  title=${title#sshd: } title=${title%%\[listener\]*}
  case $title in *[!A-Za-z0-9@%+=:,./_\ -]*) title=$exe ;; esac
  echo "## server $pid ${exe##*/}"; echo "$title"
  case ${exe##*/} in
    sshd)
      daemon=$exe sshd_options=
      set -f; set -- $title; [ $# -eq 0 ] || shift
      for word; do case $word in -D|-e|-q|-i|-R|-d) ;; *) sshd_options="$sshd_options $word" ;; esac; done
      set +f
      look "$pid" '' ;;
    *) sshd_options=; for name in $names; do case $name in -*) ;; *) gone=; keys_of "$pid" "$name" ;; esac; done ;;
  esac
done
case $programs in *sshd*) ;; *)
  streams=$(systemctl show -p Listen --value ssh.socket sshd.socket 2>/dev/null | sed -n 's/.*:\([0-9]*\) (Stream).*/\1/p' | sort -u)
  if [ -n "$streams" ] && daemon=$(command -v sshd) && systemctl -q is-active ssh.socket sshd.socket; then
    echo '## server 0 sshd'; echo "$daemon"
    sshd_options=
    look 0 "$streams"
  fi ;;
esac
true
