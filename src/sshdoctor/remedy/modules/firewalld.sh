command -v firewall-cmd >/dev/null || fail "this host has no firewalld"
if [ -n "${arg_service+set}" ]; then
  kind=service what=$arg_service
elif [ -n "${arg_port+set}" ]; then
  kind=port what=$arg_port
else
  kind=rich-rule what=$arg_rich_rule
fi

# option add|remove PROGRAM: firewall-offline-cmd takes --remove-service for another thing.
option() {
  case $1,$2,$kind in
    remove,firewall-offline-cmd,service) echo --remove-service-from-zone ;;
    *) echo "--$1-$kind" ;;
  esac
}

# settle SCOPE PROGRAM [--permanent]: look, and change what differs, in one of the two configurations.
settle() {
  scope=$1
  shift
  status=0
  "$@" "--zone=$arg_zone" "--query-$kind=$what" >"$work/out" 2>&1 </dev/null || status=$?
  case $arg_state,$status in
    enabled,0 | disabled,1) return 0 ;;
    enabled,1 | disabled,0) ;;
    *) fail "firewalld does not take this $kind in zone $arg_zone: $(head -n 2 "$work/out")" ;;
  esac
  text="zone $arg_zone: $kind $what"
  if [ "$arg_state" = enabled ]; then
    do=$(option add "$1") undo=$(option remove "$1")
    note_diff "firewalld ($scope)" "" "$text"
  else
    do=$(option remove "$1") undo=$(option add "$1")
    note_diff "firewalld ($scope)" "$text" ""
  fi
  would || return 0
  [ "$scope" = immediate ] || keep "/etc/firewalld/zones/$arg_zone.xml"
  inverse "$@" "--zone=$arg_zone" "$undo=$what"
  run "$@" "--zone=$arg_zone" "$do=$what"
}

if firewall-cmd --state >/dev/null 2>&1; then
  [ -n "${arg_zone+set}" ] || arg_zone=$(firewall-cmd --get-default-zone)
  [ -z "${arg_permanent-}" ] || settle permanent firewall-cmd --permanent
  if [ -z "${arg_permanent-}" ] || [ -n "$arg_immediate" ]; then
    settle immediate firewall-cmd
  fi
elif [ -z "${arg_permanent-}" ]; then
  fail "firewalld does not run: start it, or make this permanent"
elif [ -n "$arg_immediate" ] && [ -z "${arg_offline-}" ]; then
  fail "firewalld does not run, so nothing can be immediate: start it, or leave immediate out"
else
  [ -n "${arg_zone+set}" ] || arg_zone=$(firewall-offline-cmd --get-default-zone)
  settle permanent firewall-offline-cmd
fi
