# ---- Quarantine: what was put aside, kept in one archive of root's ($state/quarantine), and its way back
#
# Each thing has a number: NUMBER.path, NUMBER.room (the folder of root's beside it through which it goes), NUMBER.times
# (of its own folder), NUMBER.kind ("file": it is gone; "lines": another text is in its place; "sum" is of that),
# NUMBER.flags. In archive.tar it stands under its number. manifest has a line for each, for people. Nothing is followed
# on the way to it (theirs.sh), so that a folder of somebody else's may be worked in.

guard_kept() { cat "$state/quarantine/$1" 2>/dev/null && printf .; }

# guard_quarantine_back NUMBER: as it was; what has changed since is left alone, and named.
guard_quarantine_back() (
  number=$1 path=$(guard_kept "$1.path") room=$(guard_kept "$1.room")
  path=${path%.} room=${room%.}
  [ -n "$path" ] || return 0
  theirs_enter "$path" || {
    guard_quarantine_left 'its folder is not what it was'
    return 0
  }
  name=./${path##*/} folder=$(pwd -P && printf .)
  folder=${folder%??}
  guard_quarantine_held && guard_quarantine_place
  cd / && theirs_enter "$path" && touch -d "$(cat "$state/quarantine/$number.times")" .
)

# Into a room with the thing in it: the one that was cut off, or a new one with what the archive has.
guard_quarantine_held() {
  if [ -n "$room" ] && theirs_step "$room"; then
    rm -f "./$number.new"
    if [ -e "./$number" ] || [ -L "./$number" ]; then return 0; fi
    cd .. && rmdir "./$room"
  fi
  guard_quarantine_has "$number" || return 1 # it was never taken
  theirs_room || return 1
  tar -xpf "$state/quarantine/archive.tar" --xattrs --xattrs-include='*' --acls --numeric-owner "./$number" 2>/dev/null ||
    tar -xpf "$state/quarantine/archive.tar" --numeric-owner "./$number"
}

guard_quarantine_has() { [ -e "$state/quarantine/$1.done" ]; }

guard_quarantine_place() {
  room=$(pwd -P) && room=${room##*/}
  if [ ! -e "../$name" ] && [ ! -L "../$name" ]; then
    mv -nT "./$number" "../$name"
  elif [ "$(stat -c %d:%i "./$number")" = "$(stat -c %d:%i "../$name")" ]; then
    rm -f "./$number"
  elif [ "$(cat "$state/quarantine/$number.kind")" = lines ] && [ ! -L "../$name" ] &&
    [ "$(cksum <"../$name")" = "$(cat "$state/quarantine/$number.sum" 2>/dev/null)" ]; then
    mv -fT "./$number" "../$name"
  else
    guard_quarantine_left 'something else is there now'
    rm -f "./$number"
  fi
  cd .. && rmdir "./$room"
  [ ! -s "$state/quarantine/$number.flags" ] || theirs "$path" || chattr +i "$name"
}

guard_quarantine_left() { printf '%s: %s\n' "$path" "$1" | tr '\n' ' ' | sed 's/ $//' >>"$state/not-given" && echo >>"$state/not-given"; }

# guard_thaw PID START: a process that was frozen goes on, if it is the same one.
guard_thaw() { [ "$(guard_started "$1")" != "$2" ] || kill -CONT "$1" 2>/dev/null || :; }

# guard_reopen PATH MODE: a file that was closed has its mode again.
guard_reopen() (
  theirs_enter "$1" && times=$(stat -c %y .) && theirs_hold "./${1##*/}" || {
    path=$1 && guard_quarantine_left 'it is not what it was'
    return 0
  }
  if [ "$(stat -c %a ./object)" = 0 ]; then chmod "$(theirs_mode "$2")" ./object; fi
  theirs_leave
  touch -d "$times" ..
)
