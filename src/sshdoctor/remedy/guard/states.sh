# ---- States

# guard_look STATE: how it stands, in $word.
guard_look() {
  for word in $guard_words; do
    [ ! -e "$1/$word" ] || return 0
  done
  word=
}

guard_since() {
  local word
  guard_look "$1"
  echo "$word since $(tail -n 1 "$1/$word" 2>/dev/null)"
}

# guard_turn OLD NEW: to the next word; false if somebody else was first.
guard_turn() {
  mv "$state/$1" "$state/$2" 2>/dev/null || return 1
  { guard_date >>"$state/$2"; } 2>/dev/null || :
  guard_note "$2"
}

# The directories of all states, the newest first: by their numbers, as clocks jump.
guard_all() {
  local base file number
  for base in $guard_bases; do
    for file in "$base"/*/number; do
      { read -r number <"$file"; } 2>/dev/null && echo "$number ${file%/number}"
    done
  done | sort -rn | cut -d ' ' -f 2-
}

# guard_find WORD...: the newest state that stands so.
guard_find() {
  local each word
  for each in $(guard_all); do
    for word in "$@"; do
      if [ -e "$each/$word" ]; then
        echo "$each"
        return 0
      fi
    done
  done
  return 1
}

# guard_at [ID]: the state to speak of: of that ID, else the one that was opened, else the one under way.
guard_at() {
  local base
  if [ -n "${1-}" ]; then
    for base in $guard_bases; do
      state=$base/$1
      [ ! -d "$state" ] || return 0
    done
    state=
  elif [ -z "${state-}" ]; then
    state=$(guard_find armed restoring)
  fi
  [ -n "$state" ]
}

# guard_open ID <THIS FILE: a new state, in $state; false, with nothing changed, where there cannot be one.
guard_open() {
  local base text tool
  case $1 in '' | .* | *[!A-Za-z0-9._-]*) guard_refuse "'$1' cannot name a state" || return 1 ;; esac
  text=$(cat)
  for tool in stat find cmp sed awk; do
    guard_has $tool || guard_refuse "$tool is missing on the host: install it" || return 1
  done
  guard_started $$ >/dev/null && guard_uptime >/dev/null || guard_refuse '/proc is not mounted' || return 1
  [ "$(id -u)" = 0 ] || guard_refuse 'only root can guard' || return 1
  state=
  for base in $guard_bases; do
    guard_create "$base/$1" && break
  done
  [ -n "$state" ] || guard_refuse "no new state can be written in: $guard_bases" || return 1
  guard_alone || {
    rm -rf "$state"
    state=
    return 1
  }
  guard_prune
  guard_note opened
}

# guard_join ID: go on with a remedy that is armed, in $state; false if it is not (any more).
guard_join() {
  guard_at "$1" && [ -e "$state/armed" ] || guard_refuse 'the remedy is not under way any more' || return 1
  guard_sign pid && guard_touch
}

# Two MiB are kept free for the restore; where they cannot be had, the snapshot would not fit either.
guard_create() {
  local number
  (umask 077 && mkdir -p "${1%/*}" && chmod 700 "${1%/*}" && mkdir "$1") 2>/dev/null || return 1
  state=$1
  number=$(cat /var/lib/sshdoctor/*/number /run/sshdoctor/*/number 2>/dev/null | sort -n | tail -n 1)
  if (
    umask 077
    printf '%s\n' "$text" >"$1/guard.sh" && head -c 2097152 /dev/zero >"$1/room" &&
      mkdir "$1/tree" "$1/inverse" && : >"$1/kept" && : >"$1/paths" &&
      guard_sign pid && guard_date >"$1/opened" && echo $((${number:-0} + 1)) >"$1/number"
  ) 2>/dev/null; then
    return 0
  fi
  rm -rf "$1"
  state=
  return 1
}

# guard_alone [undo]: one remedy at a time (two that open at the same moment both give way).
guard_alone() {
  local other word
  for other in $(guard_all); do
    [ "$other" != "${state-}" ] || continue
    guard_look "$other"
    case $word in
      opened) guard_alive "$other/pid" || continue ;;
      armed | restoring | undoing)
        if ! guard_alive "$other/waiter" && ! guard_alive "$other/restorer"; then
          [ "${1-}$word" != undoundoing ] || continue
          [ "$word" = undoing ] && word=undo || word='restore (or confirm)'
          guard_refuse "an earlier remedy came to no end, and nothing waits to put it back (a reboot?):" \
            "${other##*/}, $(guard_since "$other"); say: sh $other/guard.sh $word"
          return 1
        fi
        ;;
      *) continue ;;
    esac
    [ ! -e "$other/until" ] || guard_refuse "something is open on this host until $(cat "$other/until"): undo closes it" ||
      return 1
    guard_refuse "another remedy is under way on this host: ${other##*/}, $(guard_since "$other")"
    return 1
  done
}

# What never came to be armed goes; of the rest the newest ten stay.
guard_prune() {
  local other word kept=0
  for other in $(guard_all); do
    guard_look "$other"
    case $word in
      opened) [ "$other" = "$state" ] || rm -rf "$other" ;;
      confirmed | restored | undone)
        [ ! -d "$other/quarantine" ] || [ "$word" = undone ] || continue # nothing else has what it holds
        kept=$((kept + 1))
        [ $kept -le 10 ] || rm -rf "$other"
        ;;
    esac
  done
}

# guard_about TEXT: what this remedy is, for a person who is asked whether it is to be undone.
guard_about() { { printf '%s\n' "$1" >>"$state/about"; } 2>/dev/null || :; }

# guard_describe [ID]: the remedy that an undo would take back: its ID, since when it is confirmed, and what it is.
guard_describe() {
  local dir
  dir=$(guard_held || guard_find undoing confirmed) || guard_refuse 'there is no remedy to undo' || return 1
  echo "${dir##*/}"
  tail -n 1 "$dir/confirmed" 2>/dev/null || tail -n 1 "$dir/undoing" 2>/dev/null || tail -n 1 "$dir/armed"
  cat "$dir/about" 2>/dev/null || :
}

# guard_status: ID, armed|confirmed|restored|undone (or on the way there), and since when; the newest first.
guard_status() {
  local each word
  for each in $(guard_all); do
    guard_look "$each"
    echo "${each##*/} $word $(tail -n 1 "$each/$word" 2>/dev/null)"
  done
}

