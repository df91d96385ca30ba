# sshd where nothing manages services. Source: sshd(8): SIGHUP makes it read its configuration again and run
# its program anew; SIGTERM ends the listener and leaves the sessions.

daemon_must_be_sshd() {
  case $arg_name in
    ssh | sshd) ;;
    *) fail "this host has no service manager (no systemd, OpenRC or /etc/init.d/$arg_name): $arg_name cannot be managed" ;;
  esac
}

daemon_running() {
  daemon_must_be_sshd
  listening=$(server_process)
}

# The command line that it was started with, if its title has the whole of it; in the background.
daemon_command() {
  command=${listening#* }
  case $listening in
    '' | *' ?') command -v sshd || echo /usr/sbin/sshd ;;
    *) echo "$command" | sed 's/ -D\( \|$\)/\1/' ;;
  esac
}

# daemon_test COMMAND...: a configuration that does not parse must not cost the daemon that still runs. The
# directory that an init script or unit would make before it starts sshd is made here.
daemon_test() {
  "$@" -t >"$work/out" 2>&1 </dev/null && return 0
  directory=$(tr -d '\r' <"$work/out" | sed -n 's/^Missing privilege separation directory: //p')
  if [ -n "$directory" ]; then
    keep "$directory"
    run mkdir -p -m 755 "$directory"
    "$@" -t >"$work/out" 2>&1 </dev/null && return 0
  fi
  fail "sshd -t does not accept the configuration: $(tail -n 3 "$work/out" | tr -d '\r')"
}

# It ends its listener only; a stopped process (state T) takes the signal once it is continued.
daemon_stop() {
  listener=${listening%% *}
  run kill -TERM "$listener"
  kill -CONT "$listener" 2>/dev/null
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -d "/proc/$listener" ] || return 0
    sleep 0.2 2>/dev/null || sleep 1
  done
  run kill -KILL "$listener"
}

daemon_act() {
  action=$1
  # shellcheck disable=SC2046 # the words of a command line
  set -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin $(daemon_command)
  listener=${listening%% *}
  if [ "$listener" = 1 ]; then # its end would be the container's
    [ "$action" != stop ] || fail "sshd is this container's first process: stop the container instead"
    [ "$action" != restart ] || action=reload
  fi
  case $action in
    stop) inverse "$@" ;;
    *) daemon_test "$@" ;;
  esac
  case $action in
    start)
      # shellcheck disable=SC2016 # for the shell that undoes it
      inverse sh -c 'pid=$(cat /run/sshd.pid) && [ -O "/proc/$pid" ] && [ "$(cat "/proc/$pid/comm")" = sshd ] && kill "$pid"'
      run "$@"
      ;;
    stop) daemon_stop ;;
    restart)
      daemon_stop
      run "$@"
      ;;
    reload) run kill -HUP "$listener" ;;
  esac
}

daemon_enabled() {
  daemon_must_be_sshd
  fail "this host has no service manager, so nothing can start $arg_name at boot; leave enabled out here"
}
