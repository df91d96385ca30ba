# OpenRC. Source: rc-service(8): status exits 0 if started, 3 if stopped, 32 if crashed; rc-update(8).

openrc_running() {
  rc-service --exists "$arg_name" || fail "this host has no service $arg_name; is its package installed? (rc-service --list)"
  rc-service "$arg_name" status >/dev/null 2>&1 </dev/null
}

openrc_act() {
  case $1 in
    start) inverse rc-service "$arg_name" stop ;;
    stop) inverse rc-service "$arg_name" start ;;
  esac
  # A crashed service counts as started until it is zapped.
  [ "$1" != start ] || rc-service "$arg_name" zap >/dev/null 2>&1 </dev/null
  run rc-service "$arg_name" "$1"
}

openrc_enabled() { ls -d /etc/runlevels/*/"$arg_name" >/dev/null 2>&1; }

openrc_enable() {
  if [ -n "$1" ]; then
    inverse rc-update del "$arg_name" default
    run rc-update add "$arg_name" default
  else
    for level in /etc/runlevels/*/"$arg_name"; do
      level=${level%/*}
      inverse rc-update add "$arg_name" "${level##*/}"
      run rc-update del "$arg_name" "${level##*/}"
    done
  fi
}
