command -v ufw >/dev/null || fail "this host has no ufw"

# The rules of a family as ufw keeps them: a line "### tuple ### ..." each. They moved with the versions.
rules_file() { # rules_file user.rules | user6.rules
  for folder in /etc/ufw /var/lib/ufw /lib/ufw; do
    [ ! -f "$folder/$1" ] || break
  done
  echo "$folder/$1"
}

ufw_said() { LC_ALL=C LANG=C ufw "$@" >"$work/out" 2>&1 </dev/null; }

# position NUMBER-OF-IPV4-RULES NUMBER-OF-IPV6-RULES: where to insert, or nothing for the end. ufw refuses a
# place that is not there yet, and one among the rules of the other family.
position() {
  case $arg_insert_relative_to in
    zero) at=$arg_insert ;;
    first-ipv4) at=$((arg_insert + 1)) ;;
    last-ipv4) at=$((arg_insert + ($1 > 0 ? $1 : 1))) ;;
    first-ipv6) at=$((arg_insert + $1 + 1)) ;;
    last-ipv6) at=$((arg_insert + $1 + ($2 > 0 ? $2 : 1))) ;;
  esac
  case $arg_from_ip$arg_to_ip in
    *:*) [ "$at" -gt "$1" ] || at=$(($1 + at)) ;;
    *.*) [ "$at" -le "$1" ] || return 0 ;;
  esac
  [ "$at" -lt 1 ] || [ "$at" -gt $(($1 + $2)) ] || echo "$at"
}

# rule ACTION-WORD...: the whole command, in the long form.
rule() {
  set -- "$@" from "$arg_from_ip" to "$arg_to_ip"
  [ -z "${arg_to_port+set}" ] || set -- "$@" port "$arg_to_port"
  [ -z "${arg_proto+set}" ] || set -- "$@" proto "$arg_proto"
  [ -z "${arg_comment-}" ] || [ "$1 $2" = "inverse ufw" ] || [ -n "$arg_delete" ] || set -- "$@" comment "$arg_comment"
  "$@"
}

tuples() { grep '^### tuple ###' "$@" 2>/dev/null; }

# What a dry run prints is the whole file of each family that would change.
after_dry_run() { # after_dry_run CHAIN FILE
  if grep -q "^:$1 " "$work/out"; then
    awk -v chain=":$1" '/^:ufw6?-user-input / { mine = $1 == chain } mine && /^### tuple ###/' "$work/out"
  else
    tuples "$2"
  fi
}

# The first rule that only the first list has: its number, and its verdict.
first_gone() {
  awk 'NR == FNR { kept[$0] = 1; next } !($0 in kept) { print FNR, $4; exit }' "$2" "$1"
}

file4=$(rules_file user.rules) file6=$(rules_file user6.rules)
tuples "$file4" >"$work/before4"
tuples "$file6" >"$work/before6"
count4=$(wc -l <"$work/before4") count6=$(wc -l <"$work/before6")
place=
[ -z "${arg_insert+set}" ] || place=$(position "$((count4))" "$((count6))")

# ufw takes a rule by its verdict, and after "delete" or "insert NUMBER".
change() { # change PREFIX...
  if [ -n "$arg_delete" ]; then
    rule "$@" delete "$arg_rule"
  elif [ -n "$place" ]; then
    rule "$@" insert "$place" "$arg_rule"
  else
    rule "$@" "$arg_rule"
  fi
}

change ufw_said --dry-run || fail "ufw does not take this rule: $(grep '^ERROR' "$work/out" || head -n 2 "$work/out")"
after_dry_run ufw-user-input "$file4" >"$work/after4"
after_dry_run ufw6-user-input "$file6" >"$work/after6"

# What undoes it: an inserted rule is deleted, one that was replaced gets its verdict back, and a deleted one
# its place.
undo() {
  gone=$(first_gone "$work/before4" "$work/after4")
  [ -n "$gone" ] || gone=$(first_gone "$work/before6" "$work/after6" | awk -v more="$((count4))" '{ print $1 + more, $2 }')
  verdict=${gone#* }
  if [ -z "$gone" ]; then
    rule inverse ufw delete "$arg_rule"
  elif [ -z "$arg_delete" ]; then
    rule inverse ufw "$verdict"
  elif [ "${gone% *}" -lt $((count4 + count6)) ]; then
    rule inverse ufw insert "${gone% *}" "$verdict"
  else
    rule inverse ufw "$verdict"
  fi
}

for family in 4 6; do
  file=$file4
  [ "$family" = 4 ] || file=$file6
  cmp -s "$work/before$family" "$work/after$family" || show_diff "$file" "$work/before$family" "$work/after$family"
done
if [ -e "$work/task/diffs" ] && would; then
  keep "$file4"
  keep "$file6"
  undo
  change run ufw
fi
