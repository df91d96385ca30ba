# ---- What tasks call before they change something

guard_unkept() {
  guard_note "$*"
  if guard_has fail; then fail "$*"; else guard_refuse "$*"; fi
}

# keep PATH: as it is, or that it is not there; a link with what it points to, a directory without its files.
keep() {
  [ -n "${state-}" ] || return 0
  case $1 in
    /) ;;
    /*) set -- "${1%/}" ;;
    *) set -- "$(pwd)/${1%/}" ;;
  esac
  case $1 in */. | */./*) set -- "$(printf '%s\n' "$1" | sed -e 's#/\(\./\)*#/#g' -e 's#/\.$##')" ;; esac
  # A user's own link on the way is followed now, and never again (see theirs.sh).
  if theirs "$1" && [ -d "${1%/*}" ]; then set -- "$(cd -P "${1%/*}" && pwd -P)/${1##*/}"; fi
  if [ -L "$1" ]; then
    set -- "$1" "$(readlink -f "$1")"
    case $2 in '' | "$1") ;; *) keep "$2" ;; esac
  fi
  ! grep -qxF -- "$1" "$state/paths" || return 0
  { guard_store "$1"; } 2>/dev/null || guard_unkept "$1 cannot be kept for the way back (a full disk?): it was not changed"
}

# A line of $state/kept ends with a bar: what a full disk has cut off is known by that.
guard_store() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then
    echo "absent - - - $1|" >>"$state/kept" || return 1
  else
    if [ -L "$1" ] || [ -f "$1" ]; then
      (umask 077 && mkdir -p "$state/tree${1%/*}" && cp -a "$1" "$state/tree$1") || return 1
    fi
    stat -c '%f %a %u %g %n|' "$1" >>"$state/kept" || return 1
  fi
  echo "$1" >>"$state/paths"
}

# inverse COMMAND...: what undoes the next command; at a restore the last is run first.
inverse() {
  [ -n "${state-}" ] || return 0
  local file word line=''
  for word in "$@"; do
    word=$(printf '%s.' "$word" | sed "s/'/'\\\\''/g")
    line="$line '${word%.}'"
  done
  file=$(find "$state/inverse" -type f | wc -l)
  file=$(printf '%s/%04d' "$state/inverse" $((file + 1)))
  { printf '%s\n' "${line# }" >"$file.new" && mv "$file.new" "$file"; } 2>/dev/null ||
    guard_unkept "no way back can be noted for '$*' (a full disk?): it was not run"
}

