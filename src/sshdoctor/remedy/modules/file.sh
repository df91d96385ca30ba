whole_path "$arg_path" && path=$whole
kind_of "$path"
was=$kind
[ -z "$arg_follow" ] || [ "$was" != link ] || real_path "$path"

# each PATH FUNCTION [last]: FUNCTION is called with PATH and with all that is below it, links not followed; last:
# with what is below first, while the folder is still whose it was.
each() {
  [ -n "${3-}" ] || "$2" "$1"
  if [ -d "$1" ] && ! [ -L "$1" ]; then
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
      if [ -e "$entry" ] || [ -L "$entry" ]; then (each "$entry" "$2" "${3-}") || exit 1; fi
    done
  fi
  [ -z "${3-}" ] || "$2" "$1"
}

same_target() { # the attributes of what the path leads to
  if [ -n "$arg_follow" ] && [ -L "$path" ]; then
    real_path "$path"
    [ ! -e "$real" ] || same_attributes "$real"
  else
    same_attributes "$path"
  fi
}

removed() {
  [ "$was" != absent ] || return 0
  [ "$path" != / ] || fail 'the root directory is not removed'
  if [ "$was" = file ]; then show_diff "$path" "$path" /dev/null; else note_diff "$path" "$was" absent; fi
  if would; then
    each "$path" keep
    : >"$work/err"
    if ! theirs "$path"; then run rm -rf "$path"
    else theirs_remove "$path" 2>"$work/err" || fail_of_theirs "$path"; fi
  fi
}

same_file() {
  if [ -n "$arg_follow" ] && [ "$was" = link ]; then path=$real; fi
  kind_of "$path"
  case $kind in
  file | other) same_attributes "$path" ;;
  absent) fail "$path does not exist (copy, template or state: touch would make it)" ;;
  *) fail "$path is a $kind" ;;
  esac
}

directory() {
  if [ -n "$arg_follow" ] && [ "$was" = link ]; then path=$real; fi
  kind_of "$path"
  case $kind in
  absent) made_directories "$path" same_attributes ;;
  directory)
    if [ -n "$arg_recurse" ]; then each "$path" same_attributes last; else same_attributes "$path"; fi
    ;;
  *) fail "$path is a $kind already" ;;
  esac
}

touched() {
  at=$path
  if [ -n "$arg_follow" ] && [ "$was" = link ]; then at=$real; fi
  if ! [ -e "$at" ] && ! [ -L "$at" ]; then
    note_diff "$path" absent file
    if would; then
      keep "$at"
      (umask 022 && run touch "$at") || exit 1
    fi
  fi
  same_attributes "$at"
  case $arg_modification_time.$arg_access_time in
  preserve.preserve) return ;;
  preserve.now) which=-a ;;
  now.preserve) which=-m ;;
  *) which=-am ;;
  esac
  [ ! -e "$at" ] || note_diff "$path" "touched at $(stat -c '%X %Y' "$at")" 'touched now'
  if would; then
    keep "$at"
    run touch -c "$which" "$at"
  fi
}

linked() {
  if [ -z "${arg_src+set}" ]; then
    [ "$was" = link ] || fail 'src is needed for a new link'
    same_target
    return
  fi
  source=$arg_src
  case $source in
  /*) ;;
  *) if [ "$was" = directory ]; then source=$path/$source; else source=${path%/*}/$source; fi ;;
  esac
  [ -n "$arg_force" ] || [ -e "$source" ] || fail "$source does not exist (force: true would link it all the same)"
  case $was in
  link) ;;
  absent) ;;
  directory)
    [ -n "$arg_force" ] || fail "$path is a directory; force: true would put the link in its place"
    [ -z "$(ls -A "$path")" ] || fail "the directory $path is not empty: no link is put in its place"
    ;;
  *) [ -n "$arg_force" ] || fail "$path is a file; force: true would put the link in its place" ;;
  esac
  if [ "$was" != link ] || [ "$(readlink "$path")" != "$arg_src" ]; then
    if [ "$was" = link ]; then before="link to $(readlink "$path")"; else before=$was; fi
    note_diff "$path" "$before" "link to $arg_src"
    if would; then
      keep "$path"
      [ "$was" != directory ] || run rmdir "$path"
      run ln -sfn "$arg_src" "$path"
    fi
  fi
  if [ -L "$path" ]; then same_target; fi
}

# What has to go on by names is not done where others can write: a file that is touched, a link, all that is below.
: >"$work/err"
case ${arg_state-}${arg_recurse:+recurse} in
touch | link | *recurse) ! theirs "$path" || fail_of_theirs "$path" ;;
esac
wanted_state=${arg_state-$was}
[ "$wanted_state" != absent ] || [ -n "${arg_state+set}" ] || wanted_state='file'
[ "$wanted_state" != other ] || wanted_state='file'
[ -z "$arg_recurse" ] || [ -n "${arg_state+set}" ] || [ "$was" != absent ] || wanted_state=directory
case $wanted_state in
absent) removed ;;
file) same_file ;;
directory) directory ;;
touch) touched ;;
link) linked ;;
esac
