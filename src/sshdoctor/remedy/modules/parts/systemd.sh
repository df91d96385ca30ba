# systemd's units: look first, change what differs. Source: systemctl(1), systemd.service(5).

# unit_property UNIT NAME: empty where systemd does not run (then only files can be looked at and changed).
unit_property() { systemctl show --property="$2" "$1" 2>/dev/null | sed -n "s/^$2=//p"; }

# unit_look UNIT: its LoadState, Id, ActiveState and SubState, in $loaded, $unit, $active and $substate.
unit_look() {
  loaded='' unit='' active='' substate=''
  while IFS='=' read -r key word; do
    case $key in
      LoadState) loaded=$word ;;
      Id) unit=$word ;;
      ActiveState) active=$word ;;
      SubState) substate=$word ;;
    esac
  done <<EOF
$(systemctl show -p LoadState -p Id -p ActiveState -p SubState "$1" 2>/dev/null)
EOF
}

unit_must_exist() {
  unit_look "$1"
  [ "$loaded" != not-found ] ||
    fail "this host has no unit $1; is its package installed? (systemctl list-unit-files)"
}

# unit_mask UNIT WANTED: masked ("1") or not (""). A mask may stand in /etc, in /run, or in both.
unit_mask() {
  word=$(systemctl is-enabled "$1" 2>/dev/null)
  case $word in masked*) masked=1 ;; *) masked= ;; esac
  [ "$masked" != "$2" ] || return 0
  note_diff "$1" "${word:-not masked}" "${2:+masked}"
  would || return 0
  if [ -n "$2" ]; then
    inverse systemctl unmask "$1"
    run systemctl mask "$1"
    return 0
  fi
  for _ in etc run; do
    word=$(systemctl is-enabled "$1" 2>/dev/null)
    case $word in masked) scope= ;; masked-runtime) scope=--runtime ;; *) break ;; esac
    inverse systemctl mask ${scope:+"$scope"} "$1"
    run systemctl unmask ${scope:+"$scope"} "$1"
  done
  case $(systemctl is-enabled "$1" 2>/dev/null) in
    masked*) fail "$1 is still masked by $(unit_property "$1" FragmentPath); remove that file by hand" ;;
  esac
}

# unit_enable UNIT WANTED: started at boot ("1") or not (""). A static unit has nothing to enable.
unit_enable() {
  unit_must_exist "$1"
  unit=${unit:-$1} # enabling an alias is refused
  status=0
  word=$(systemctl is-enabled "$unit" 2>/dev/null) || status=$?
  enabled=
  case $status,$word in
    *,enabled-runtime | *,indirect | *,alias) ;;
    0,static) enabled=$2 ;;
    0,*) enabled=1 ;;
  esac
  give enabled "$([ -n "$2" ] && echo true || echo false)"
  [ "$enabled" != "$2" ] || return 0
  note_diff "$unit" "${word:-disabled}" "$([ -n "$2" ] && echo enabled || echo disabled)"
  would || return 0
  if [ -n "$2" ]; then
    inverse systemctl disable "$unit"
    run systemctl enable "$unit"
  else
    inverse systemctl enable "$unit"
    run systemctl disable "$unit"
  fi
}

# unit_state UNIT started|stopped|restarted|reloaded
unit_state() {
  unit_must_exist "$1"
  [ -n "$active" ] || fail "systemd does not run on this host, so the unit $1 cannot be $2"
  give state "$2"
  # Between two tries of a unit that keeps failing, systemd says "activating": it does not run.
  [ "$substate" != auto-restart ] || active=failing
  case $2,$active in
    started,active | started,activating | started,reloading) return 0 ;;
    stopped,inactive | stopped,failed) return 0 ;;
    stopped,*) action=stop ;;
    restarted,active | restarted,activating | restarted,reloading | restarted,deactivating) action=restart ;;
    reloaded,active | reloaded,activating | reloaded,reloading) action=reload ;;
    *) action=start ;;
  esac
  [ "$2" = stopped ] || [ "$action" = start ] || give state started
  note_diff "$1" "$active" "$2"
  would || return 0
  case $action in
    start) inverse systemctl stop "$1" ;;
    stop) inverse systemctl start "$1" ;;
  esac
  # A unit that failed too often is refused (start-limit-hit) until its counter is reset.
  [ "$active" != failed ] || run systemctl reset-failed "$1"
  guard_touch 150 # TimeoutStartSec and TimeoutStopSec are 90 s by default
  journal "systemctl $action $1"
  systemctl "$action" "$1" >"$work/out" 2>&1 </dev/null || unit_failed "$1" "$action"
}

# What its journal says of this try alone: from the last "Starting" on. On a busy host systemd's own lines are in it
# before what the program said, which is given a second.
unit_failed() {
  for wait in 0.3 0.3 0.4 0; do
    said=$(journalctl --quiet --no-pager --output=cat --lines=15 --unit="$1" 2>/dev/null |
      awk '/^Starting / { count = 0 } { line[++count] = $0 } END { for (i = 1; i <= count; i++) print line[i] }')
    ! echo "$said" | grep -qvE '^$|^(Starting|Failed to start) |^[^ ]+\.[a-z]+: ' || break
    sleep "$wait"
  done
  # A unit that is started again by itself has forgotten the result of this try.
  result=$(echo "$said" | sed -n "s/.*Failed with result '\([a-z-]*\)'.*/\1/p" | tail -n 1)
  fail "systemctl $2 $1 failed: $(head -n 1 "$work/out")
result: ${result:-$(unit_property "$1" Result)}${said:+; its journal:
$said}"
}

systemd_reload() {
  [ -d /run/systemd/system ] || return 0
  [ -n "$check" ] || run systemctl daemon-reload
}
