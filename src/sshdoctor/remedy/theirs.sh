# ---- Files in a folder that is not root's alone: its owner may put a link in the way of root's hands while it works
#
# One way for the tasks and for the guard. Nothing is followed there: its folder is entered (a working directory
# cannot be swapped), a new file is made by O_EXCL (set -C), and what is there is taken hold of before it is looked
# at: by a second name, in a folder that only root can enter, so that what was looked at is what is changed. Nothing
# is opened, for it might be a pipe or a device. What cannot be done so is a sentence for a person.
#
# What changes the working directory runs in a subshell.

ours='' # the folders that were seen to be root's alone

# theirs PATH: somebody but root can put something else in the place of PATH, or of a folder on its way.
theirs() {
  theirs_at=$1
  while theirs_way=${theirs_at%/*} && [ -n "$theirs_way" ]; do
    case $ours in *"|$theirs_way|"*) return 1 ;; esac
    [ ! -e "$theirs_way" ] || case $(stat -L -c %u:%a "$theirs_way") in
      0:1*[2367]? | 0:1*[2367]) # others may add to it, and leave alone what is root's
        # shellcheck disable=SC3067
        if [ -L "$theirs_at" ] || [ ! -O "$theirs_at" ]; then return 0; fi
        ;;
      0:*[2367]? | 0:*[2367]) return 0 ;;
      0:*) ;;
      *) return 0 ;;
    esac
    theirs_at=$theirs_way
  done
  ours="$ours|${1%/*}|"
  return 1
}

# theirs_enter PATH: into its folder; false where there is none, or a link stands in the way that is not root's.
theirs_enter() {
  rest=${1%/*} && rest=${rest#/}
  cd / || return 1
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
    case $(stat -c %u:%a .) in
      0:*[2367]? | 0:*[2367]) theirs_step "$part" || return 1 ;;
      0:*) cd -P "./$part" 2>/dev/null || return 1 ;;
      *) theirs_step "$part" || return 1 ;;
    esac
  done
}

# theirs_step NAME: into this very folder, which is no link.
theirs_step() {
  here=$(stat -c %d:%i .)
  [ ! -L "./$1" ] && cd -P "./$1" 2>/dev/null && [ "$(stat -c %d:%i ..)" = "$here" ]
}

# theirs_room: into a new folder within this one, which nobody but root can enter; theirs_leave takes it away.
theirs_room() {
  room=.sshdoctor.$$
  rmdir "./$room" 2>/dev/null
  (umask 077 && mkdir "./$room") 2>/dev/null && theirs_step "$room" &&
    [ "$(stat -c %u:%a .)" = 0:700 ] && [ -z "$(ls -A .)" ]
}

theirs_leave() { rm -f ./object && rmdir "../$room" 2>/dev/null; }

# theirs_hold NAME: the file NAME of this folder is ./object now, in a room of root's; false if it is no regular
# file, has other names, or cannot be held.
theirs_hold() {
  theirs_room && ln "../${1#./}" ./object 2>/dev/null || return 1
  if [ -f ./object ] && [ ! -L ./object ] && [ "$(stat -c %h ./object)" = 2 ]; then return 0; fi
  theirs_leave
  return 1
}

# theirs_text PATH: what the file holds; false if it cannot be held, or is not to be shown to its folder's owner.
theirs_text() (
  theirs_enter "$1" || return 1
  whose=$(stat -c %u .)
  theirs_hold "${1##*/}" || return 1
  status=0
  { theirs_open ./object "$whose" && cat ./object; } || status=1
  theirs_leave
  return "$status"
)

# theirs_same TEXT PATH UID:GID MODE: PATH is just that file.
theirs_same() (
  theirs_enter "$2" && theirs_hold "${2##*/}" || return 1
  status=0
  { [ "$(stat -c %u:%g:%a ./object)" = "$3:$(printf %o "0$(theirs_mode "$4")")" ] && cmp -s "$1" ./object; } || status=1
  theirs_leave
  return "$status"
)

# theirs_mode MODE: without the bits that make a program run as its owner, which nothing is ever given there.
theirs_mode() { printf '%04o' "$((0$1 & 01777))"; }

# theirs_attribute PATH COMMAND...: chmod, chown or chgrp of PATH alone; false if that is not to be done.
theirs_attribute() (
  theirs_enter "$1" || return 1
  name=${1##*/} whose=$(stat -c %u .)
  shift
  if [ -d "./$name" ] && [ ! -L "./$name" ]; then
    theirs_step "$name" && theirs_open . "$whose" && "$@" .
    return
  fi
  theirs_hold "$name" || return 1
  status=0
  { theirs_open ./object "$whose" && "$@" ./object; } || status=1
  theirs_leave
  return "$status"
)

# theirs_open OBJECT UID: it belongs to UID, the owner of its folder, or there is nothing in it that he may not have: he could
# put there what he can move and not read. Of root's these are keys, and what everybody may read.
theirs_open() {
  case $(stat -c %u "$1") in
    "$2") return 0 ;;
    0) ;;
    *) return 1 ;;
  esac
  if [ -d "$1" ]; then
    for entry in * .[!.]* ..?*; do
      case $entry in
        '*' | '.[!.]*' | '..?*' | authorized_keys* | known_hosts* | config | environment | rc | id_*) ;;
        *) return 1 ;;
      esac
    done
    return 0
  fi
  case $(stat -c %a "$1") in *[4567]) return 0 ;; esac
  ! grep -qvE '^[[:space:]]*(#|$)|(^|[[:space:]])(ssh|ecdsa|sk)-[A-Za-z0-9@.-]+[[:space:]]+AAAA[A-Za-z0-9+/=]+' "$1"
}

# theirs_put TEXT PATH UID:GID MODE: PATH is a new file with the text of TEXT, whatever was there.
theirs_put() (
  theirs_enter "$2" || return 1
  name=./${2##*/}
  theirs_room || return 1
  (umask 077 && cat "$1" >./object) && chown "$3" ./object && chmod "$(theirs_mode "$4")" ./object &&
    touch -r "$1" ./object && theirs_place "$name"
  status=$?
  theirs_leave
  return "$status"
)

# theirs_link TARGET PATH UID:GID: PATH is a link to TARGET, whatever was there.
theirs_link() (
  theirs_enter "$2" && theirs_room || return 1
  ln -s "$1" ./object && chown -h "$3" ./object && theirs_place "${2##*/}"
  status=$?
  theirs_leave
  return "$status"
)

# theirs_place NAME: ./object is what has that name now; an empty folder gives way. -T: never into a folder, to which
# a link of that name may lead.
theirs_place() {
  if [ -d "../$1" ] && [ ! -L "../$1" ]; then rmdir "../$1" || return 1; fi
  mv -fT ./object "../$1"
}

# theirs_folder PATH UID:GID MODE: PATH is a folder.
theirs_folder() (
  theirs_enter "$1" || return 1
  name=${1##*/}
  if [ ! -d "./$name" ] || [ -L "./$name" ]; then theirs_clear "./$name" && mkdir "./$name" || return 1; fi
  theirs_step "$name" && chown "$2" . && chmod "$(theirs_mode "$3")" .
)

# theirs_remove PATH: nothing is there any more, if that was no folder with something in it.
theirs_remove() (theirs_enter "$1" && theirs_clear "./${1##*/}")

theirs_clear() { if [ -d "$1" ] && [ ! -L "$1" ]; then rmdir "$1"; else rm -f "$1"; fi; }
