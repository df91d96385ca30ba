found() { # found FIELD TABLE: the user's field in passwd or shadow
  { getent "$2" "$arg_name" || cat "/etc/$2"; } 2>/dev/null |
    name=$arg_name field=$1 awk -F: '$1 == ENVIRON["name"] { print $(ENVIRON["field"] + 0); exit }'
}
is_there() { command -v "$1" >/dev/null 2>&1; }
keep_tables() { # and what usermod keeps of them
  for table in passwd shadow group gshadow; do keep "/etc/$table" && keep "/etc/$table-"; done
}
changed_to() { # changed_to WHAT BEFORE AFTER COMMAND...
  note_diff "the account $arg_name" "$1: $2" "$1: $3"
  shift 3
  is_there "$1" || fail "$1 is not on this host: the account $arg_name cannot be changed"
  if would; then
    keep_tables
    run "$@"
  fi
}

[ -n "$(found 1 passwd)" ] || fail "there is no user $arg_name (sshdoctor makes no accounts)"
give name "$arg_name"

if [ -n "${arg_shell+set}" ]; then
  was=$(found 7 passwd)
  [ "$was" = "$arg_shell" ] || changed_to shell "$was" "$arg_shell" usermod -s "$arg_shell" "$arg_name"
fi

if [ -n "${arg_expires+set}" ]; then
  was=$(found 8 shadow) && day=${arg_expires%%.*}
  case $day in
  -*) [ -z "$was" ] || [ "$was" -lt 0 ] || changed_to expires "day $was" never usermod -e '' "$arg_name" ;;
  *)
    day=$((day / 86400))
    [ "$was" = "$day" ] ||
      changed_to expires "day ${was:-none}" "day $day" usermod -e "$(date -u -d "@$((day * 86400))" +%Y-%m-%d)" "$arg_name"
    ;;
  esac
fi

if [ -n "${arg_password+set}" ]; then
  [ "$(found 2 shadow)" = "$arg_password" ] ||
    changed_to password 'what it was' 'none that can be typed' usermod -p "$arg_password" "$arg_name"
fi

if [ -n "${arg_password_lock+set}" ]; then
  secret=$(found 2 shadow)
  case $arg_password_lock.$secret in
  1.!*) ;;
  1.*) changed_to password open locked usermod -L "$arg_name" ;;
  .! | .!!)
    fail "the account $arg_name has no password to unlock: password: '*' opens it for keys, passwd $arg_name sets one"
    ;;
  .!*) changed_to password locked open usermod -U "$arg_name" ;;
  esac
  secret=
fi

groups_of() { id -Gn "$arg_name" | tr ' ' '\n'; }
if [ -n "${arg_groups+set}" ]; then
  eval "set -- $arg_groups"
  for group; do
    number_of group "$group"
  done
  joined=$(IFS=, && echo "$*")
  primary=$(id -gn "$arg_name")
  is=$(groups_of | grep -vxF -- "$primary" | sort | tr '\n' ' ')
  want=$(for group; do [ "$group" = "$primary" ] || printf '%s\n' "$group"; done | sort -u | tr '\n' ' ')
  missing=$(for group; do groups_of | grep -qxF -- "$group" || printf '%s ' "$group"; done)
  if [ -n "$arg_append" ]; then
    [ -z "$missing" ] || changed_to groups "$is" "$is$missing" usermod -a -G "$joined" "$arg_name"
  else
    [ "$is" = "$want" ] || changed_to groups "$is" "$want" usermod -G "$joined" "$arg_name"
  fi
fi
