# What the actions about files share. Of the task's arguments these are read here:
# arg_mode, arg_owner, arg_group (each may be unset), arg_validate (words), arg_backup.

# whole_path PATH: the path without slashes at its end; the task fails unless it starts at /.
whole_path() {
  whole=$1
  case $whole in /*) ;; *) fail "a whole path, from / on, is needed, not '$whole'" ;; esac
  while case $whole in ?*/) true ;; *) false ;; esac do whole=${whole%/}; done
}

# real_path PATH: where the links in PATH end, into $real; PATH itself if that cannot be told. For what is changed:
# a link that somebody else may have put there is not followed.
real_path() {
  ! theirs "$1" || [ ! -L "$1" ] || fail_of_theirs "$1"
  real=$(readlink -f "$1" 2>/dev/null && echo .) && real=${real%??} || real=$1
}

# kind_of PATH, into $kind: absent, link, directory, file, other.
# shellcheck disable=SC2034 # read by file.sh
kind_of() {
  if [ -L "$1" ]; then kind='link'
  elif [ -d "$1" ]; then kind=directory
  elif [ -f "$1" ]; then kind='file'
  elif [ -e "$1" ]; then kind=other
  else kind=absent; fi
}

# ---- Mode and owner

# wanted_mode PATH, into $wanted: the octal mode that arg_mode makes of PATH's.
wanted_mode() {
  case $arg_mode in
  '') fail "the mode is empty" ;;
  *[!0-7]*) ;;
  *) wanted=$(printf '%o' "$((0$arg_mode))") && return ;;
  esac
  rm -rf "$work/sample"
  if [ -d "$1" ]; then mkdir "$work/sample"; else : >"$work/sample"; fi
  chmod "0$(stat -c %a "$1")" "$work/sample"
  (umask 022 && chmod -- "$arg_mode" "$work/sample") || fail "chmod does not take the mode $arg_mode"
  wanted=$(stat -c %a "$work/sample")
}

# number_of passwd|group NAME, into $number: the id of a name, or the number itself.
number_of() {
  case $2 in *[!0-9]* | '') ;; *) number=$2 && return ;; esac
  number=$({ getent "$1" "$2" || cat "/etc/$1"; } 2>/dev/null |
    name=$2 awk -F: '$1 == ENVIRON["name"] { print $3; exit }')
  [ -n "$number" ] || fail "there is no ${1%wd} $2 here (looked in $1)"
}

# same_attributes PATH: mode, owner and group of PATH (of a link itself) become what the arguments say.
same_attributes() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  if [ -n "${arg_owner+set}" ]; then
    number_of passwd "$arg_owner"
    same_attribute "$1" owner %u "$number" chown -h "$number"
  fi
  if [ -n "${arg_group+set}" ]; then
    number_of group "$arg_group"
    same_attribute "$1" group %g "$number" chgrp -h "$number"
  fi
  if [ -n "${arg_mode+set}" ] && ! [ -L "$1" ]; then
    wanted_mode "$1"
    ! theirs "$1" || wanted=$(printf %o "0$(theirs_mode "$wanted")")
    # five digits: fewer would leave the set-group-ID bit of a directory
    same_attribute "$1" mode %a "$wanted" chmod "$(printf '%05o' "0$wanted")"
  fi
}

# same_attribute PATH WHAT FORMAT WANTED COMMAND...
same_attribute() {
  attribute_path=$1 attribute=$2 attribute_wanted=$4
  attribute_is=$(stat -c "$3" "$1") || fail "$1 cannot be looked at"
  shift 4
  [ "$attribute_is" != "$attribute_wanted" ] || return 0
  note_diff "$attribute_path" "$attribute $attribute_is" "$attribute $attribute_wanted"
  if would; then
    keep "$attribute_path"
    if theirs "$attribute_path"; then
      journal "$* $attribute_path"
      (theirs_attribute "$attribute_path" "$@") 2>"$work/err" || fail_of_theirs "$attribute_path"
    else
      run "$@" "$attribute_path"
    fi
  fi
}

# fail_of_theirs PATH: what root does not do in a folder that others can write.
fail_of_theirs() {
  why=$(tail -n 1 "$work/err" 2>/dev/null)
  fail "$1: it lies in a folder that others can write, and is not what it seemed (a link, another's file, one with other names?). Look whose it is, and mend it by hand${why:+. $why}"
}

# ---- A file's text

# readable_text PATH, into $work/old: the text of PATH, of nothing if it does not exist; fails for what is none.
readable_text() {
  [ ! -d "$1" ] || fail "$1 is a directory"
  if [ -e "$1" ] && theirs "$1"; then theirs_text "$1" >"$work/old" 2>"$work/err" || fail_of_theirs "$1"
  elif [ -e "$1" ]; then cat "$1" >"$work/old" 2>"$work/err" || fail "$1 cannot be read: $(cat "$work/err")"
  else : >"$work/old"; fi
  # shellcheck disable=SC2094 # both only read
  tr -d '\000' <"$work/old" | cmp -s - "$work/old" || fail "$1 is no text: there is a NUL in it"
}

# is_ended PATH: it is empty, or its last line ends with a newline.
is_ended() { [ -z "$(tail -c 1 "$1")" ]; }

# same_text NEW PATH: PATH holds the text of NEW (in $work), once arg_validate has accepted it.
same_text() {
  if [ -f "$2" ] && ! [ -L "$2" ] && cmp -s "$1" "$2"; then return; fi
  if [ -e "$2" ]; then show_diff "$2" "$2" "$1"; else show_diff "$2" /dev/null "$1"; fi
  if would; then
    accepted "$1" "$2"
    backed_up "$2"
    put_text "$1" "$2"
  fi
}

# accepted NEW PATH: the task fails unless arg_validate, run on NEW, succeeds.
accepted() {
  eval "set -- \"\$1\" \"\$2\" ${arg_validate-}"
  [ $# -gt 2 ] || return 0
  new_text=$1 refused="$2 is left as it is: its new text is refused"
  shift 2
  for word; do
    filled=
    while case $word in *%s*) true ;; *) false ;; esac do
      filled=$filled${word%%%s*}$new_text word=${word#*%s}
    done
    set -- "$@" "$filled$word"
    shift
  done
  attributes_of_new "$new_text"
  rc=0
  (exec "$@") >"$work/out" 2>"$work/err" </dev/null || rc=$?
  [ "$rc" = 0 ] || fail "$refused by $1 ($rc): $(tail -n 3 "$work/err") $(tail -n 3 "$work/out")"
}

# attributes_of_new NEW: what validates may look at them.
attributes_of_new() {
  [ -z "${arg_owner+set}" ] || { number_of passwd "$arg_owner" && chown "$number" "$1"; }
  [ -z "${arg_group+set}" ] || { number_of group "$arg_group" && chgrp "$number" "$1"; }
  [ -z "${arg_mode+set}" ] || { wanted_mode "$1" && chmod "0$wanted" "$1"; }
}

# backed_up PATH: a copy beside it, if arg_backup asks for one and there is something to copy.
backed_up() {
  if [ -z "${arg_backup-}" ] || ! [ -e "$1" ]; then return 0; fi
  : >"$work/err"
  ! theirs "$1" || fail_of_theirs "$1"
  backup=$1.$$.$(date +%Y-%m-%d@%H:%M:%S)~
  keep "$backup"
  run cp -p "$1" "$backup"
  give backup_file "$backup"
}

# put_text NEW PATH: PATH is replaced at once (a rename), with the mode and owner that it had. A link is replaced.
put_text() {
  keep "$2"
  journal "write $2"
  if theirs "$2"; then
    put_theirs "$1" "$2"
    return
  fi
  temporary=$2.sshdoctor-new
  rm -f "$temporary"
  if [ -f "$2" ] && ! [ -L "$2" ]; then
    cp -p "$2" "$temporary" && chmod ug-s "$temporary" && cat "$1" >"$temporary"
  else
    # with a mode to come, nobody but the owner may read it until then
    if [ -n "${arg_mode+set}" ]; then (umask 077 && cat "$1" >"$temporary")
    else (umask 022 && cat "$1" >"$temporary"); fi
  fi 2>"$work/err" && mv -f "$temporary" "$2" 2>"$work/err" && return
  rm -f "$temporary"
  fail "$2 cannot be written: $(tail -n 1 "$work/err")"
}

# put_theirs NEW PATH: the same, where others can write the folder: with its owner and mode, or the folder's owner.
put_theirs() {
  : >"$work/err"
  if [ -e "$2" ] || [ -L "$2" ]; then
    theirs_text "$2" >/dev/null 2>"$work/err" || fail_of_theirs "$2"
    whose=$(stat -c %u:%g "$2") mode=$(stat -c %a "$2")
  else
    whose=0:0 mode=644
  fi
  theirs_put "$1" "$2" "$whose" "$mode" 2>"$work/err" || fail_of_theirs "$2"
}

# made_directories PATH [FUNCTION]: PATH and what leads to it; FUNCTION is called with each that is new.
made_directories() {
  whole_path "$1"
  [ ! -d "$whole" ] || return 0
  if [ -e "$whole" ] || [ -L "$whole" ]; then fail "$whole stands where a directory is needed"; fi
  made_directories "${whole%/*}/" "${2-}"
  whole_path "$1"
  note_diff "$whole" absent directory
  if would; then
    keep "$whole"
    if theirs "$whole"; then theirs_folder "$whole" 0:0 755 2>"$work/err" || fail_of_theirs "$whole"
    else (umask 022 && run mkdir "$whole") || exit 1; fi
    ${2:+"$2" "$1"}
  else
    echo "$whole" >>"$work/would-make"
  fi
}
