# ---- Services

# guard_was NAME [FILE]: its state at the snapshot: active, inactive, failed...
guard_was() { sed -n "s/^$1 //p" "$state/${2:-units}"; }

guard_put_units() { # guard_put_units [--no-block]: at boot, only what ran is started
  local unit was
  guard_taken || return 0
  if ! guard_systemd; then
    guard_put_process
    return 0
  fi
  { guard_unit_states >"$state/units.now"; } 2>/dev/null
  while read -r unit was; do
    ! guard_left "$unit" || continue
    case $was:$(guard_was "$unit" units.now) in
      active:active) ;;
      active:*)
        systemctl reset-failed "$unit" >/dev/null 2>&1 </dev/null
        guard_try systemctl ${1-} start "$unit" </dev/null
        ;;
      # One that failed and was tried again and again is tried again, and may fail.
      activating:inactive | activating:failed) guard_try systemctl --no-block start "$unit" </dev/null ;;
      inactive:active | failed:active)
        # A socket that listens starts its service whenever somebody knocks.
        case $unit:$(guard_was "${unit%.service}.socket"):${1-} in
          *.service:active:* | *:--no-block) ;;
          *) guard_try systemctl stop "$unit" </dev/null ;;
        esac
        ;;
    esac
  done <"$state/units"
}

guard_put_process() {
  local was pid command
  ! guard_left "$server" || return 0
  was=$(guard_was "$server")
  pid=$(server_process) && pid=${pid%% *} || pid=
  if [ "$was" = no ] && [ -n "$pid" ]; then
    guard_try kill "$pid" </dev/null
  elif [ "$was" != no ] && [ -n "$was" ] && [ -z "$pid" ]; then
    [ -d "$server_folder" ] || (umask 022 && mkdir -p "$server_folder")
    if guard_has rc-service; then guard_try rc-service "$server" start </dev/null; fi
    was=${was#* }
    command=${was%' ?'}
    server_process >/dev/null || (set -f && guard_try sh -c '"$@" &' sh $command </dev/null)
  fi
}

# The server reads its files again, if it ran, and only what it accepts: else it goes on with what it has read.
guard_put_server() {
  local unit how=restart
  [ "$server_due" != reload ] || how=reload-or-restart
  for unit in $server_names; do
    if ! guard_systemd; then
      break
    elif [ "$(guard_was $unit.socket)" = active ]; then
      [ -n "$socket_due" ] || return 0
      # A socket is not made anew while its service holds it.
      guard_try systemctl stop $unit.service </dev/null
      guard_try systemctl restart $unit.socket </dev/null
      [ "$(guard_was $unit.service)" != active ] || guard_try systemctl start $unit.service </dev/null
      return 0
    elif [ "$(guard_was $unit.service)" = active ]; then
      [ -z "$server_due" ] || ! server_accepts || guard_try systemctl $how $unit.service </dev/null
      return 0
    fi
  done
  case $(guard_was "$server") in '' | no) return 0 ;; esac
  [ -z "$server_due" ] || ! server_process >/dev/null || ! server_accepts || {
    unit=$(server_process)
    guard_try kill -HUP "${unit%% *}" </dev/null
  }
}

