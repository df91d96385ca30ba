# ---- Files in a folder of somebody but root, who may put a link in the way of root's hands while it works
#
# Nothing is followed there: its folder is entered (a working directory cannot be swapped), a new file is made by
# O_EXCL (set -C), and mode and owner are given to what was opened (proc(5), /proc/PID/fd), not to a name.

# guard_theirs PATH: a folder on its way is not root's.
guard_theirs() {
  local way=$1
  while [ -n "${way%/*}" ]; do
    way=${way%/*}
    # shellcheck disable=SC3067
    [ -O "$way" ] || [ ! -e "$way" ] || return 0
  done
  return 1
}

# guard_enter PATH: into its folder; false where there is none, or a link stands in the way that is not root's.
guard_enter() {
  local part here rest="${1%/*}"
  rest=${rest#/}
  cd / || return 1
  while [ -n "$rest" ]; do
    part=${rest%%/*}
    case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
    # shellcheck disable=SC3067
    if [ -O . ]; then
      cd -P "./$part" 2>/dev/null || return 1
    else
      here=$(stat -c %d:%i .)
      [ ! -L "./$part" ] && cd -P "./$part" 2>/dev/null && [ "$(stat -c %d:%i ..)" = "$here" ] || return 1
    fi
  done
}

# guard_put_theirs: what guard_put_files does elsewhere; reads its raw, mode, uid, gid and path.
guard_put_theirs() {
  (
    guard_enter "$path" || exit 1
    kept=$state/tree$path name=./${path##*/}
    case $raw in
      8*) guard_same_file "$kept" "$name" || guard_make_file "$kept" "$name" ;;
      a*)
        [ -L "$name" ] && [ "$(readlink "$name")" = "$(readlink "$kept")" ] ||
          { guard_clear "$name" && ln -sn "$(readlink "$kept")" "$name" && chown -h "$uid:$gid" "$name"; }
        ;;
      4*)
        [ -d "$name" ] && [ ! -L "$name" ] || { guard_clear "$name" && mkdir "$name"; } || exit 1
        here=$(stat -c %d:%i .)
        cd -P "$name" && [ "$(stat -c %d:%i ..)" = "$here" ] && chown "$uid:$gid" . && chmod "$mode" .
        ;;
    esac
  ) 2>/dev/null || guard_note "$path was not put back: is its folder not what it was?"
}

# guard_clear NAME: nothing is there any more, if that was no folder with something in it.
guard_clear() { if [ -d "$1" ] && [ ! -L "$1" ]; then rmdir "$1"; else rm -f "$1"; fi; }

# guard_same_file KEPT NAME
guard_same_file() {
  [ -f "$2" ] && [ ! -L "$2" ] && [ ! "$2" -nt "$1" ] && [ "$(stat -c '%f %u %g' "$2")" = "$raw $uid $gid" ] &&
    cmp -s "$1" "$2"
}

# guard_make_file KEPT NAME
guard_make_file() {
  guard_note "$path as it was"
  guard_clear "$2.sshdoctor-old"
  [ ! -d "$2" ] || guard_clear "$2"
  (
    set -C
    umask 077
    exec 3>"$2.sshdoctor-old"
    cat "$1" >&3 && chown "$uid:$gid" /proc/self/fd/3 && chmod "$mode" /proc/self/fd/3 && touch -r "$1" /proc/self/fd/3
  ) && mv -fT "$2.sshdoctor-old" "$2" # -T: never into a folder that a link of that name points to
}

# guard_remove_theirs: $path, if it can be reached as it could.
guard_remove_theirs() {
  (
    guard_enter "$path" && guard_clear "./${path##*/}"
  ) 2>/dev/null || guard_note "$path was not removed"
}
