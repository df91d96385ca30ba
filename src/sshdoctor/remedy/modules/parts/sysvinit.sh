# Init scripts. Source: LSB 5.0, "Init Script Actions" (status exits 0 if running, 1 to 3 if not); update-rc.d(8), chkconfig(8).

sysvinit_command() { # as service(8) does: a script gets a clean environment
  if command -v service >/dev/null; then
    "$@" service "$arg_name" "$action"
  else
    "$@" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "/etc/init.d/$arg_name" "$action"
  fi
}

sysvinit_running() {
  (action=status && sysvinit_command env -u SSHDOCTOR_RUN) >"$work/said" 2>&1 </dev/null
  status=$?
  [ "$status" -le 3 ] || fail "service $arg_name status does not say whether it runs: $(tail -n 1 "$work/said")"
  [ "$status" = 0 ]
}

sysvinit_act() {
  action=$1
  case $action in
    start) (action=stop && sysvinit_command inverse) ;;
    stop) (action=start && sysvinit_command inverse) ;;
  esac
  sysvinit_command run
}

sysvinit_links() { ls -d /etc/rc[2345].d/"$1"[0-9][0-9]"$arg_name" /etc/rc.d/rc[2345].d/"$1"[0-9][0-9]"$arg_name" 2>/dev/null; }

sysvinit_enabled() { [ -n "$(sysvinit_links S)" ]; }

sysvinit_enable() {
  if command -v update-rc.d >/dev/null; then
    if [ -z "$1" ]; then
      inverse update-rc.d "$arg_name" enable
      run update-rc.d "$arg_name" disable
    elif [ -n "$(sysvinit_links K)" ]; then
      inverse update-rc.d "$arg_name" disable
      run update-rc.d "$arg_name" enable
    else
      inverse update-rc.d -f "$arg_name" remove
      run update-rc.d "$arg_name" defaults
    fi
  elif command -v chkconfig >/dev/null; then
    inverse chkconfig "$arg_name" "$([ -n "$1" ] && echo off || echo on)"
    run chkconfig "$arg_name" "$([ -n "$1" ] && echo on || echo off)"
  else
    fail "this host has neither update-rc.d nor chkconfig: nothing here can say what starts at boot"
  fi
}
