# The tasks told to a person at a console, instead of to a program. Set: $names, a line "NUMBER NAME" for each.

say() {
  case $* in
    'refused '*) echo "${1#refused }" ;;
    'ignored '*) echo '          That does not matter.' ;;
    journal) [ ! -s "$work/journal" ] || echo 'What was run:' ;;
  esac
}

folded() { if command -v fold >/dev/null; then fold -s -w 68; else cat; fi; }

finish() {
  if [ -n "${2-}" ]; then as_registered "$2"; else as_result; fi
  if is_failed; then
    printf ' %-8s %s\n' FAILED "$(printf '%s\n' "$names" | sed -n "s/^$1 //p")"
    is_hidden || { cat "$work/task/msg" && echo && tail -n 3 "$work/task/stderr"; } 2>/dev/null | folded | sed 's/^/          /'
  elif is_changed; then
    printf ' %-8s %s\n' changed "$(printf '%s\n' "$names" | sed -n "s/^$1 //p")"
  fi
  guard_touch
}

