# ---- Processes and time

# guard_started PID: its start time, in ticks since boot (starttime in /proc/PID/stat).
guard_started() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) && [ -n "$stat" ] || return 1
  set -- ${stat##*) }
  echo "${20}"
}

# guard_sign FILE: this process is the one that FILE speaks of.
guard_sign() { { echo "$$ $(guard_started $$)" >"$state/$1"; } 2>/dev/null; }

# guard_alive FILE: the process that FILE speaks of still runs.
guard_alive() {
  local pid='' start=''
  { read -r pid start <"$1"; } 2>/dev/null || return 1
  [ -n "$start" ] && [ "$(guard_started "$pid")" = "$start" ]
}

# guard_kill PID: it and all that it started, stopped first so that it starts no more; never ourselves.
guard_kill() {
  local child
  [ "$1" != $$ ] || return 0
  kill -STOP "$1" 2>/dev/null
  for child in $(cat /proc/[0-9]*/stat 2>/dev/null | sed -n 's/^\([0-9]*\) (.*) [A-Za-z] \([0-9]*\) .*/\1 \2/p' |
    awk -v parent="$1" '$2 == parent { print $1 }'); do
    guard_kill "$child"
  done
  kill -KILL "$1" 2>/dev/null
}

guard_uptime() {
  local up rest
  # shellcheck disable=SC2034
  read -r up rest </proc/uptime && echo "${up%%.*}"
}

# guard_deadline SECONDS: from now, unless the deadline that stands is later.
guard_deadline() {
  local moment old=0
  moment=$(($(guard_uptime) + $1)) || return 1
  { read -r old <"$state/deadline"; } 2>/dev/null || old=0
  [ "$old" -lt "$moment" ] || return 0
  guard_set_deadline "$moment"
}

guard_set_deadline() {
  { echo "$1" >"$state/deadline.new"; } 2>/dev/null && mv -f "$state/deadline.new" "$state/deadline"
}

