# Under systemd as systemd_service does it. Every other manager has four functions: MANAGER_running,
# MANAGER_act ACTION, MANAGER_enabled (is it started at boot?) and MANAGER_enable WANTED.

service_manager() {
  script=/etc/init.d/$arg_name
  if [ -d /run/systemd/system ]; then
    echo systemd
  elif [ -d /run/openrc ] && command -v rc-service >/dev/null; then
    echo openrc
  elif [ -x "$script" ] && ! head -n 1 "$script" | grep -q openrc-run; then
    echo sysvinit
  else
    echo daemon
  fi
}

service_enable() { # service_enable WANTED
  enabled=
  if "${manager}_enabled"; then enabled=1; fi
  give enabled "$([ -n "$1" ] && echo true || echo false)"
  [ "$enabled" != "$1" ] || return 0
  note_diff "$arg_name at boot" "${enabled:+enabled}" "${1:+enabled}"
  would || return 0
  "${manager}_enable" "$1"
}

service_state() { # service_state started|stopped|restarted|reloaded
  give state "$1"
  active=stopped
  if "${manager}_running"; then active=started; fi
  case $1,$active in
    started,started | stopped,stopped) return 0 ;;
    stopped,*) action=stop ;;
    *,stopped) action=start ;;
    restarted,*) action=restart ;;
    reloaded,*) action=reload ;;
  esac
  note_diff "$arg_name" "$active" "$1"
  would || return 0
  guard_touch 150
  "${manager}_act" "$action"
  if [ "$action" = stop ]; then
    service_settles stopped || fail "$arg_name was told to stop and still runs: $(service_log)"
  else
    service_settles started || fail "$arg_name was told to $action and does not run: $(service_log)"
  fi
}

# A daemon is in the background before it has bound its port, and it is told to end before it has
# ended: it gets three seconds for that.
service_settles() { # service_settles started|stopped
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    settled=stopped
    if "${manager}_running"; then settled=started; fi
    [ "$settled" != "$1" ] || return 0
    sleep 0.2 2>/dev/null || sleep 1
  done
  return 1
}

service_log() {
  said=$(tail -n 50 /var/log/auth.log /var/log/secure /var/log/messages 2>/dev/null | grep "$arg_name" | tail -n 5)
  [ -n "$said" ] || said=$(cat "$work/err" "$work/out" 2>/dev/null | tr -d '\r' | tail -n 5)
  echo "${said:-nothing is logged in /var/log}"
}

arg_name=${arg_name%.service}
give name "$arg_name"
manager=$(service_manager)
if [ "$manager" = systemd ]; then
  [ -z "${arg_enabled+set}" ] || unit_enable "$arg_name" "$arg_enabled"
  [ -z "${arg_state+set}" ] || unit_state "$arg_name" "$arg_state"
else
  [ -z "${arg_enabled+set}" ] || service_enable "$arg_enabled"
  [ -z "${arg_state+set}" ] || service_state "$arg_state"
fi
