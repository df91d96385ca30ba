# Which processes are servers: by their owner and their program. Anybody may give a program any name, and write what he
# likes into its arguments. A server is one that root runs (its real user id, which a set-user-id program leaves as
# it was: proc(5), status), and whose program (proc(5), exe) bears a server's name, and is, with every folder on its
# way, root's alone to write.

# trusted FILE: it and every folder on its way are root's, and nobody else can put another in its place.
# shellcheck disable=SC2013  # words, not lines
trusted() {
  case $known in *"|$1|"*) return 0 ;; esac
  way=${1%/*}; set -- "$1"
  while [ -n "$way" ]; do set -- "$@" "$way"; way=${way%/*}; done
  for mode in $(stat -L -c '%u:%a' "$@" /); do
    case $mode in
      0:1???) ;; # others may add to it, and take away nothing of root's
      0:*[2367]? | 0:*[2367]) return 1 ;;
      0:*) ;;
      *) return 1 ;;
    esac
  done
  [ -n "${mode-}" ] && known="$known|$1|"
}

# find_servers NAME...: those whose program's name begins with one of these. Their numbers as $servers, with their
# programs, a line each, as $programs; printed as the parts servers, unseen (there are processes whose program may
# not be seen) and hidden (processes of others are not shown at all).
# shellcheck disable=SC2013,SC2034,SC2086,SC3013  # paths of /proc are words; others read what is set
find_servers() {
  known='' servers='' programs='' unseen='' waiting='' here=''
  [ -r /proc/1/comm ] || echo '## hidden'
  any=$(echo "$*" | tr ' ' '|')
  named=$(grep -lsE "^($any)" /proc/[0-9]*/comm | sed 's/comm$/status/')
  [ -n "$named" ] || return 0
  here=$(command -v "$1") && here=$(readlink -f "$here")
  for file in $(grep -lsE '^Uid:[[:space:]]+0[[:space:]]+0[[:space:]]' $named /dev/null); do
    pid=${file#/proc/} pid=${pid%/status}
    if [ -n "$here" ] && [ "/proc/$pid/exe" -ef "$here" ]; then exe=$here
    else exe=$(readlink "/proc/$pid/exe")
    fi 2>/dev/null
    if [ -z "$exe" ]; then
      { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || continue
      # Who is dead, or about to be, runs no program: the size of its memory is 0 (proc(5), stat, field 23).
      [ "$(echo "${stat##*) }" | cut -d ' ' -f 21)" = 0 ] || waiting="$waiting $pid"
      continue
    fi
    case $exe in *[!A-Za-z0-9/._+@:,\ \(\)-]*) continue ;; esac
    program=${exe##*/} own=''
    for name; do case $program in "$name"*) own=yes ;; esac; done
    [ -n "$own" ] || continue
    case $exe in *' (deleted)') program=${exe%/*}/ ;; *) program=$exe ;; esac
    trusted "$program" 2>/dev/null || continue
    servers="$servers $pid" programs="$programs$pid $exe
"
  done
  for pid in $waiting; do # the child of a server is a session of its, whatever else may not be seen of it
    parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null)
    case " $servers " in *" ${parent:-none} "*) ;; *) unseen="$unseen $pid" ;; esac
  done
  echo '## servers'; printf %s "$programs"
  [ -z "$unseen" ] || {
    echo '## unseen'
    for pid in self $unseen; do sed -n "s/^CapPrm:[[:space:]]*/$pid /p" "/proc/$pid/status"; done 2>/dev/null
  }
}
