# Which processes are SSH servers, by their owner and their program (see servers.py beside this file).

# trusted FILE: it and every folder on its way are root's, and nobody else can put another in its place.
# shellcheck disable=SC2013  # words, not lines
trusted() {
  case $known in *"|$1|"*) return 0 ;; esac
  way=${1%/*}; set -- "$1"
  while [ -n "$way" ]; do set -- "$@" "$way"; way=${way%/*}; done
  for mode in $(stat -L -c '%u:%a' "$@" /); do
    case $mode in
      0:1???) ;;
      0:*[2367]? | 0:*[2367]) return 1 ;;
      0:*) ;;
      *) return 1 ;;
    esac
  done
  [ -n "${mode-}" ] && known="$known|$1|"
}
# find_servers: their numbers as $servers, and with their programs, a line each, as $programs.
# shellcheck disable=SC2013,SC2034,SC2086,SC3013  # paths of /proc are words; others read what is set
find_servers() {
  known='' servers='' programs='' unseen='' here=''
  [ -r /proc/1/comm ] || echo '## hidden'
  named=$(grep -lsE '^(sshd|dropbear|tinysshd|lsh-server|lshd|wolfsshd)' /proc/[0-9]*/comm | sed 's/comm$/status/')
  [ -n "$named" ] || return 0
  sshd=$(command -v sshd) && here=$(readlink -f "$sshd")
  for file in $(grep -lsE '^Uid:[[:space:]]+0[[:space:]]+0[[:space:]]' $named /dev/null); do
    pid=${file#/proc/} pid=${pid%/status}
    if [ -n "$here" ] && [ "/proc/$pid/exe" -ef "$here" ]; then exe=$here
    else exe=$(readlink "/proc/$pid/exe")
    fi 2>/dev/null
    case $exe in
      '')
        { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
        case ${stat##*) } in [ZX]*) ;; *) unseen=yes ;; esac # who is dead runs no program
        continue ;;
      *[!A-Za-z0-9/._+@:,\ \(\)-]*) continue ;;
      */sshd* | */dropbear* | */tinysshd* | */lsh-server* | */lshd* | */wolfsshd*) ;;
      *) continue ;;
    esac
    case $exe in *' (deleted)') file=${exe%/*}/ ;; *) file=$exe ;; esac
    trusted "$file" 2>/dev/null || continue
    servers="$servers $pid" programs="$programs$pid $exe
"
  done
  echo '## servers'; printf %s "$programs"
  [ -z "$unseen" ] || echo '## unseen'
}
