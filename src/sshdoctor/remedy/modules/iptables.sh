tool=iptables
[ "$arg_ip_version" = ipv4 ] || tool=ip6tables
command -v "$tool" >/dev/null || fail "this host has no $tool; is the package iptables installed?"

# -w is there since 1.4.20, its seconds since 1.6.0.
case $("$tool" --version | sed 's/^[^0-9]*//; s/ .*//') in
  0.* | 1.[0-3].* | 1.4.[0-9] | 1.4.1[0-9]) patience= ;;
  1.4.* | 1.5.*) patience=-w ;;
  *) patience="-w ${arg_wait:-30}" ;;
esac

rule= # its words, quoted for eval
word() {
  for given do
    rule="$rule '$(printf %s "$given" | sed "s/'/'\\\\''/g")'"
  done
}

option() { # option FLAG VALUE: nothing if there is no value; !VALUE negates
  case $2 in
    '') ;;
    !*) word ! "$1" "$(printf %s "${2#!}" | sed 's/^ *//')" ;;
    *) word "$1" "$2" ;;
  esac
}

comma_list() { # comma_list ITEM...
  (IFS=, && echo "$*")
}

# In Ansible's order, and with the matches that it adds.
# shellcheck disable=SC2120 # its parameters are set within
describe_rule() {
  option -p "${arg_protocol-}"
  option -s "${arg_source-}"
  option -d "${arg_destination-}"
  eval "set -- $arg_match"
  matches=" $* "
  for match do option -m "$match"; done
  option -j "${arg_jump-}"
  option -i "${arg_in_interface-}"
  option -o "${arg_out_interface-}"
  option --source-port "${arg_source_port-}"
  option --destination-port "${arg_destination_port-}"
  eval "set -- $arg_ctstate"
  case $#,$matches in
    0,*) ;;
    *' conntrack '*) option --ctstate "$(comma_list "$@")" ;;
    *' state '*) option --state "$(comma_list "$@")" ;;
    *) word -m conntrack && option --ctstate "$(comma_list "$@")" ;;
  esac
  if [ -n "${arg_match_set-}" ]; then
    case $matches in *' set '*) ;; *) word -m set ;; esac
    option --match-set "$arg_match_set"
    word "$arg_match_set_flags"
  fi
  [ -z "${arg_comment-}" ] || word -m comment --comment "$arg_comment"
}

# chain [run | inverse] COMMAND [NUMBER]: one command of iptables about this rule.
chain() {
  prefix=
  case $1 in run | inverse) prefix=$1 && shift ;; esac
  verb=$1
  shift
  # shellcheck disable=SC2086 # prefix and patience are words, or none
  set -- $prefix "$tool" $patience -t "$arg_table" "$verb" "$arg_chain" "$@"
  eval "\"\$@\" $rule"
}

listed() { "$tool" -t "$arg_table" -S "$arg_chain" >"$1" 2>/dev/null; }

# The number that the rule had: the first line that is another one now; the first line of all is the policy.
number_before() {
  awk 'NR == FNR { was[FNR] = $0; next } !found && $0 != was[FNR] { found = FNR }
    END { print (found ? found : FNR + 1) - 1 }' "$work/chain" "$work/chain.after"
}

# shellcheck disable=SC2119
describe_rule
present=present status=0
chain -C >/dev/null 2>"$work/err" || status=$?
case $status in
  0) ;;
  1) present=absent ;;
  *) fail "$tool does not take this rule: $(head -n 3 "$work/err")" ;;
esac

if [ "$present" != "$arg_state" ]; then
  where=
  case $arg_state,$arg_action in
    absent,*) command=-D ;;
    *,insert) command=-I where=${arg_rule_num-} ;;
    *) command=-A ;;
  esac
  text="-t $arg_table $command $arg_chain${where:+ $where}$(eval "printf ' %s' $rule")"
  note_diff "$tool" "$([ "$arg_state" = present ] || echo "$text")" "$([ "$arg_state" = absent ] || echo "$text")"
  if ! would; then
    :
  elif [ "$arg_state" = present ]; then
    chain inverse -D
    chain run "$command" ${where:+"$where"}
  else
    listed "$work/chain"
    chain run -D
    listed "$work/chain.after"
    chain inverse -I "$(number_before)"
  fi
fi
