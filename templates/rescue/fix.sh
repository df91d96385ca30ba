# A repair at the console: the plan, consent, the tasks under guard, a new login or the way back, a verdict.
# Given above: $plan $login $seconds $host $address $port $user, and the functions apply, verdict and the eye's.

# The terminal, as descriptor 5: standard input may be this very text. A shell that a kernel starts (init=/bin/sh)
# has no /dev/tty, but its standard error can be read as well.
find_terminal() {
  if { true </dev/tty; } 2>/dev/null; then
    exec 5<>/dev/tty
  elif [ -t 2 ]; then
    exec 5>&2
  else
    return 1
  fi
}

# ask QUESTION: whether it is answered with yes.
ask() {
  printf '%s ' "$1" >&5
  answer=
  read -r answer <&5
  case $answer in [Yy] | [Yy][Ee][Ss]) ;; *) return 1 ;; esac
}

# kept: the directory where this remedy's state is kept; false if there is none.
kept() {
  for base in /var/lib/sshdoctor /run/sshdoctor; do
    if [ -d "$base/$name" ]; then
      echo "$base/$name"
      return
    fi
  done
  return 1
}

put_back() {
  if sh "$state/guard.sh" restore; then echo 'It was put back.'
  else echo "It could not be put back at once; see $state/journal"
  fi
}

confirm() {
  echo
  echo 'Now log in from elsewhere, in a NEW connection:'
  echo " -> $login"
  echo "yes keeps the change. Anything else, or $seconds s without an answer, puts it back."
  if ! ask 'Did it let you in?'; then
    put_back
    return 1
  fi
  case $(sh "$state/guard.sh" confirm) in
    confirmed) echo "Kept. To undo it: sh $state/guard.sh undo" ;;
    *) echo 'The time was over: it has been put back.' && return 1 ;;
  esac
}

repair() {
  name=$(date -u +%Y%m%d-%H%M%S)-$$
  exec 4>&1
  status=$({ { apply "$name" 2>&1 && echo 0 >&3 || echo 1 >&3; } | for_the_eye >&4; } 3>&1)
  if ! state=$(kept); then
    echo 'Nothing was changed.'
    return 1
  elif [ "$status" != 0 ]; then
    echo 'A task failed.'
    [ ! -e "$state/armed" ] || put_back
    return 1
  elif [ -e "$state/armed" ]; then
    confirm
  else
    echo "Done. To undo it: sh $state/guard.sh undo"
  fi
}

main() {
  printf '%s\n' "$plan" | for_the_eye
  if ! as_root; then
    echo 'Only root can repair: run it as root.' >&2
    return 1
  elif ! find_terminal; then
    echo 'There is no terminal to ask at: run it at the console.' >&2
    return 1
  elif ! ask 'Carry it out? (yes or no)'; then
    echo 'Nothing was changed.'
    return 1
  fi
  status=0
  repair || status=$?
  verdict 2>/dev/null | for_the_eye
  return "$status"
}

main
