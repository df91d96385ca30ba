# A program of the playbook's: what command and shell share. Read here of the arguments: arg_chdir, arg_creates,
# arg_removes, arg_stdin (each may be unset), arg_stdin_add_newline.

# matched PATTERN: there is a path like it.
matched() {
  IFS=
  # shellcheck disable=SC2086 # a pattern, as in Ansible
  set -- $1
  unset IFS
  [ -e "$1" ] || [ -L "$1" ]
}

# program SHOWN WORDS...: the words are run; SHOWN is what the journal says.
program() {
  shown=$1 && shift
  if [ -n "${arg_chdir+set}" ]; then cd "$arg_chdir" 2>/dev/null || fail "there is no directory $arg_chdir to run in"; fi
  if [ -n "$check" ]; then did=Would; else did=Did; fi
  give rc 0
  if [ -n "${arg_creates+set}" ] && matched "$arg_creates"; then
    give stdout "skipped, since $arg_creates exists"
    give msg "$did not run command since '$arg_creates' exists"
    exit 0
  fi
  if [ -n "${arg_removes+set}" ] && ! matched "$arg_removes"; then
    give stdout "skipped, since $arg_removes does not exist"
    give msg "$did not run command since '$arg_removes' does not exist"
    exit 0
  fi
  if [ -n "$check" ]; then
    give msg 'Command would have run if not in check mode'
    if [ -n "${arg_creates+set}${arg_removes+set}" ]; then give changed true; else give skipped true; fi
    exit 0
  fi

  : >"$work/in"
  if [ -n "${arg_stdin+set}" ]; then
    printf '%s' "$arg_stdin" >"$work/in"
    [ -z "$arg_stdin_add_newline" ] || echo >>"$work/in"
  fi
  journal "$shown"
  give changed true
  case "$*" in # ended half way by a restore, these would leave broken packages behind
    *apt-get* | *dpkg* | *dnf* | *yum* | *rpm* | *zypper* | *apk* | *pacman*) guard_touch 900 ;;
  esac
  rc=0
  # exec: the program of that name, never a function of this script
  (exec "$@") <"$work/in" >"$work/out" 2>"$work/err" || rc=$?
  give rc "$rc"
  give stdout "$(cat "$work/out")"
  give stderr "$(cat "$work/err")"
  [ "$rc" = 0 ] || fail 'non-zero return code'
}
