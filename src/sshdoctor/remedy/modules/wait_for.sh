if [ -n "$check" ]; then # nothing was started that could be waited for; Ansible skips it too
  give skipped true
  exit 0
fi
seconds() { cut -d. -f1 /proc/uptime; } # they pass alike whatever is done to the clock

# 0A is LISTEN. A listener on [::] takes IPv4 too, unless it says otherwise, which is not shown here.
listening() {
  ports=$(printf ':%04X' "$arg_port")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | port=$ports host=$arg_host awk '
    $4 != "0A" || substr($2, length($2) - 4) != ENVIRON["port"] { next }
    { address = substr($2, 1, length($2) - 5); any = address ~ /^0+$/; long = length(address) == 32 }
    ENVIRON["host"] == "::1" && long && (any || address ~ /^0+(01000000|00000001)$/) { found = 1 }
    ENVIRON["host"] != "::1" && (any || address ~ /(0100007F|7F000001)$/) { found = 1 }
    ENVIRON["host"] == "localhost" && long && address ~ /^0+(01000000|00000001)$/ { found = 1 }
    END { exit !found }'
}
met() {
  case $arg_state in
  started | present) if [ -n "${arg_port+set}" ]; then listening; else [ -e "$arg_path" ]; fi ;;
  *) if [ -n "${arg_port+set}" ]; then ! listening; else ! [ -e "$arg_path" ]; fi ;;
  esac
}

guard_touch "$((arg_delay + arg_timeout + 60))"
began=$(seconds)
sleep "$arg_delay"
until met; do
  [ "$(($(seconds) - began))" -lt "$arg_timeout" ] ||
    fail "${arg_msg-"after $arg_timeout seconds ${arg_path-port $arg_port} is not $arg_state"}"
  sleep 0.2 2>/dev/null || sleep 1
done
give elapsed "$(($(seconds) - began))"
give state "$arg_state"
