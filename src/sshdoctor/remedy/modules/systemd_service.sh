command -v systemctl >/dev/null || fail "this host has no systemctl: use the module service"
[ -z "$arg_daemon_reload" ] || systemd_reload
if [ -n "${arg_name+set}" ]; then
  give name "$arg_name"
  [ -z "${arg_masked+set}" ] || unit_mask "$arg_name" "$arg_masked"
  [ -z "${arg_enabled+set}" ] || unit_enable "$arg_name" "$arg_enabled"
  [ -z "${arg_state+set}" ] || unit_state "$arg_name" "$arg_state"
fi
