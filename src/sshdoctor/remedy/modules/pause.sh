duration=$((${arg_minutes-0} * 60 + ${arg_seconds-0}))
[ "$duration" -gt 0 ] || duration=1
guard_touch "$((duration + 60))"
[ -n "$check" ] || sleep "$duration"
give rc 0
