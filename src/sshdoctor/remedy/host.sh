# What every task stands on: POSIX sh, dash, bash and busybox alike.
#
# The head of the script sets: mark (the random word that fences our lines), check (not empty: change nothing),
# work (a scratch directory). Tasks run in a subshell each; what they come to stands in files in $work/task.

say() { printf '\n@@%s %s@@\n' "$mark" "$*"; }

# give KEY VALUE: a value of the task's result, under the name that Ansible gives it ("stat.exists").
give() { printf '%s' "$2" >"$work/task/$1"; }

# value REGISTER KEY: a value of an earlier task's result; nothing if it has none.
value() { cat "$work/registered/$1/$2" 2>/dev/null; }

# would: the task is about to change something; true if it may (and not where --check is asked for).
would() {
  give changed true
  [ -z "$check" ]
}

# fail MESSAGE: the task has failed; nothing of it runs on.
fail() {
  give msg "$*"
  give failed true
  exit 1
}

# hide: the task's values stay here, and are written down nowhere (no_log).
hide() { : >"$work/task/hidden"; }
is_hidden() { [ -e "$work/task/hidden" ]; }

# journal COMMAND...: what changes the host, for the journal there and for the report.
journal() {
  ! is_hidden || set -- '(a task that is not shown: no_log)'
  printf '%s\n' "$*" >>"$work/journal"
  [ -z "${state-}" ] || printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >>"$state/journal"
}

# run COMMAND...: a command that changes the host; the task fails if it does.
run() {
  journal "$*"
  status=0
  "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
  [ "$status" = 0 ] || fail "$1 failed ($status): $(tail -n 3 "$work/err" "$work/out" 2>/dev/null | grep -v '^==>\|^$' | tail -n 3)"
}

# show_diff PATH BEFORE AFTER: two files, as the report's diff of PATH. A secret is not shown.
show_diff() {
  number=$(($(cat "$work/task/diffs" 2>/dev/null || echo 0) + 1))
  give diffs "$number"
  give "diff.$number.path" "$1"
  case $1 in */shadow | */gshadow) return ;; esac
  if grep -qs 'PRIVATE KEY' "$2" "$3"; then return; fi
  head -c 65536 "$2" >"$work/task/diff.$number.before" 2>/dev/null
  head -c 65536 "$3" >"$work/task/diff.$number.after" 2>/dev/null
}

# note_diff PATH BEFORE AFTER: the same for two words, such as modes or states.
note_diff() {
  printf '%s\n' "$2" >"$work/before"
  printf '%s\n' "$3" >"$work/after"
  show_diff "$1" "$work/before" "$work/after"
}

# install_file NEW PATH: put the text of NEW in PATH's place at once (a rename), with PATH's mode and owner.
install_file() {
  : >"$work/err"
  ! theirs "$2" || fail "$2 lies in a folder that others can write: root writes nothing there"
  keep "$2"
  journal "write $2"
  target=$(readlink -f "$2" 2>/dev/null) || target=$2
  if [ -e "$target" ]; then
    cp -p "$target" "$target.sshdoctor-new" && cat "$1" >"$target.sshdoctor-new"
  else
    cp "$1" "$target.sshdoctor-new" && chmod 644 "$target.sshdoctor-new"
  fi || fail "$2 cannot be written"
  mv -f "$target.sshdoctor-new" "$target" || fail "$2 cannot be replaced"
}

# ---- Conditions

# quoted WORDS...: as words that the shell reads back.
quoted() {
  for word; do
    printf "'%s' " "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"
  done
}

# truthy WORD: true but for what Ansible takes for false.
truthy() { case $1 in '' | 0 | false | False | no | None) return 1 ;; esac; }

# one_of WORD WORDS...: the first is among the others.
one_of() {
  wanted=$1 && shift
  for one; do [ "$one" != "$wanted" ] || return 0; done
  return 1
}

# contains TEXT PART
contains() { case $1 in *"$2"*) ;; *) return 1 ;; esac; }

# ---- Around a task

begin() { # begin NUMBER
  rm -rf "$work/task" && mkdir -p "$work/task"
  say "task $1"
  guard_touch
}

# died: a body that ended without saying why has failed all the same.
died() {
  [ -e "$work/task/failed" ] || give msg "it ended with an error: $(tail -n 3 "$work/err" 2>/dev/null)"
  give failed true
}

# decide KEY WORD: what changed_when or failed_when came to.
decide() {
  give "$1" "$2"
  [ "$1 $2" != 'failed true' ] || [ -e "$work/task/msg" ] || give msg 'failed_when holds'
}

is_changed() { [ "$(cat "$work/task/changed" 2>/dev/null)" = true ]; }
is_skipped() { [ -e "$work/task/skipped" ]; }
is_failed() { [ "$(cat "$work/task/failed" 2>/dev/null)" = true ]; }

as_result() {
  [ -e "$work/task/changed" ] || give changed false
  [ -e "$work/task/failed" ] || give failed false
}

# as_registered REGISTER: the result so far, for the task's own conditions.
as_registered() {
  as_result
  mkdir -p "$work/registered"
  rm -rf "${work:?}/registered/$1" && cp -r "$work/task" "$work/registered/$1"
}

# finish NUMBER REGISTER: the task's result goes out, and into its register.
finish() {
  if [ -n "${2-}" ]; then as_registered "$2"; else as_result; fi
  ! is_hidden || set -- "$1" "${2-}" "$work/task/changed" "$work/task/failed" "$work/task/skipped"
  [ $# -gt 2 ] || set -- "$1" "${2-}" "$work/task"/*
  number=$1 && shift 2
  for file do
    [ -e "$file" ] || continue
    say "value ${file##*/}"
    # One line without its end, as most values are, needs no process.
    if IFS= read -r line <"$file"; then cat "$file"; else printf '%s' "$line"; fi
  done
  say "end $number"
  guard_touch
}
