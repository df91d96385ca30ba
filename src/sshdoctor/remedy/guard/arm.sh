# ---- Arming

# guard_arm SECONDS: from now on the host puts everything back by itself; false if its waiter does not run.
guard_arm() {
  { echo "$1" >"$state/seconds"; } 2>/dev/null && guard_deadline "$1" ||
    guard_refuse "$state cannot be written" || return 1
  guard_detach_unit || guard_detach
  guard_boot_install
  guard_waits && guard_deadline "$1" && guard_turn opened armed ||
    guard_refuse 'the process that would put everything back cannot be started'
}

# In a cgroup of its own the waiter outlives our session; on-failure starts it again if it is killed, and
# mixed leaves the commands of a restore alone when the unit is stopped.
guard_detach_unit() {
  guard_systemd && guard_has systemd-run &&
    systemd-run --quiet --unit="guard-by-sshdoctor-${state##*/}" --property=Restart=on-failure \
      --property=KillMode=mixed --property=OOMScoreAdjust=-900 \
      /bin/sh "$state/guard.sh" wait </dev/null >/dev/null 2>&1 && guard_waits
}

# A parent that starts the waiter again if it is killed; a child of init, in a session of its own.
guard_detach() {
  local again='trap "" HUP; until sh "$1" wait; do sleep 1; done' setsid=''
  ! guard_has setsid || setsid=setsid
  ($setsid sh -c "$again" sh "$state/guard.sh" </dev/null >/dev/null 2>&1 &)
}

guard_waits() {
  local tries=0
  until guard_alive "$state/waiter"; do
    tries=$((tries + 1))
    [ $tries -le 250 ] || return 1
    sleep 0.02 2>/dev/null || { tries=$((tries + 50)) && sleep 1; }
  done
}

# guard_touch [SECONDS]: the deadline is at least so far away; without a number, exactly as far as it was armed for.
guard_touch() {
  local up rest seconds moment old=0
  [ -n "${state-}" ] && [ -e "$state/armed" ] || return 0
  if [ -n "${1-}" ]; then
    guard_deadline "$1" || :
  elif read -r up rest </proc/uptime && read -r seconds <"$state/seconds"; then
    moment=$((${up%%.*} + seconds))
    { read -r old <"$state/deadline"; } 2>/dev/null || old=0
    [ "$old" = "$moment" ] || guard_set_deadline "$moment" || :
  fi
}

# guard_hasten: who was given long for something that takes long is dead, and needs it no more.
guard_hasten() {
  local latest old=0
  latest=$(($(guard_uptime) + $(cat "$state/seconds"))) || return 0
  { read -r old <"$state/deadline"; } 2>/dev/null || return 0
  [ "$old" -le "$latest" ] || guard_set_deadline "$latest" || :
}

# The waiter. TERM (a shutdown) is the deadline. A restore that was cut off, whoever began it, is gone on with.
guard_wait() {
  local moment now opened dead='' orphan=''
  trap '' HUP INT
  trap 'rm -f "$state/deadline"' TERM
  guard_sign waiter || :
  while [ -e "$state/opened" ] || [ -e "$state/armed" ] || [ -e "$state/restoring" ]; do
    if [ -z "$dead" ] && ! guard_alive "$state/pid"; then
      dead=yes
      guard_hasten
    fi
    opened=''
    [ ! -e "$state/opened" ] || opened=yes # asked before the deadline, which is set anew before it is armed
    moment=0
    { read -r moment <"$state/deadline"; } 2>/dev/null || moment=0
    now=$(guard_uptime) || now=0
    if [ -e "$state/restoring" ]; then
      # One that has only just begun signs a moment later.
      if guard_alive "$state/restorer"; then orphan=''; elif [ -z "$orphan" ]; then orphan=yes; else guard_restore || :; fi
    elif [ -n "$opened" ] && guard_alive "$state/pid"; then
      : # somebody is about to arm it, and must find a waiter
    elif [ "$now" -ge "$moment" ]; then
      [ -e "$state/armed" ] || return 0
      guard_restore || :
      [ ! -e "$state/armed" ] || return 0
    fi
    sleep 1
  done
}

# A unit that makes up for a restore that a reboot cut off. Boot finds it by itself: no daemon-reload.
guard_boot_install() {
  guard_systemd || return 0
  case $state in /run/*) return 0 ;; esac
  guard_boot_times
  { printf '%s\n' '# Puts back a change that nobody confirmed. Made by sshdoctor, and removed by it.' \
    '[Unit]' 'DefaultDependencies=no' 'After=local-fs.target' "Before=$(guard_unit_files)network-pre.target" \
    '[Service]' 'Type=oneshot' "ExecStart=/bin/sh $state/guard.sh boot" >"$guard_boot_unit" &&
    mkdir -p /etc/systemd/system/sysinit.target.wants &&
    ln -sf "$guard_boot_unit" /etc/systemd/system/sysinit.target.wants/; } 2>/dev/null ||
    guard_note 'a reboot before the deadline would not be made up for'
  guard_boot_touch
}

# The folders of this unit are as they were before it, and after it: it is nobody's change.
guard_boot_times() {
  boot_times=$(stat -c '%y|%n' /etc/systemd/system /etc/systemd/system/sysinit.target.wants 2>/dev/null)
}

guard_boot_touch() {
  printf '%s\n' "$boot_times" | while IFS='|' read -r time folder; do
    [ -z "$folder" ] || touch -d "$time" "$folder" 2>/dev/null
  done
  return 0
}

# guard_unit_files: those units that have a file. A name that stands nowhere makes an empty unit in systemd; if it
# becomes an alias then (by an enable), the next reload takes the unit that runs for one that does not.
guard_unit_files() {
  local unit dir
  for unit in $guard_units; do
    for dir in /etc /usr/local/lib /usr/lib /lib; do
      if [ -f "$dir/systemd/system/$unit" ] && [ ! -L "$dir/systemd/system/$unit" ]; then
        printf '%s ' "$unit"
        break
      fi
    done
  done
}

guard_boot_remove() {
  guard_boot_times
  rm -f "$guard_boot_unit" "/etc/systemd/system/sysinit.target.wants/${guard_boot_unit##*/}" 2>/dev/null || :
  guard_boot_touch
}

# guard_confirm [ID]: prints "confirmed", or "restored" (and is false) where the restore was first.
guard_confirm() {
  guard_at "${1-}" || guard_refuse 'there is nothing to confirm' || return 1
  if guard_turn armed confirmed || [ -e "$state/confirmed" ]; then
    guard_boot_remove
    rm -f "$state/room"
    echo confirmed
    return 0
  fi
  guard_settles
  echo restored
  return 1
}

# guard_settles: wait until a restore that is under way has ended.
guard_settles() {
  local tries=0
  while [ -e "$state/restoring" ] && [ $tries -lt 120 ]; do
    tries=$((tries + 1))
    sleep 1
  done
  [ -e "$state/restored" ]
}

