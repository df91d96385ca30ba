# ---- The way back

# guard_restore [ID]: put back what an armed remedy changed, or go on with a restore that was cut off; one that
# somebody else is about is waited for. The script that applies the remedy is ended, unless this is it.
guard_restore() {
  local again='' pid start
  trap '' HUP PIPE
  guard_at "${1-}" || guard_refuse 'there is nothing to restore' || return 1
  [ ! -e "$state/restored" ] || return 0
  if [ -e "$state/restoring" ]; then
    if guard_alive "$state/restorer"; then
      guard_settles || guard_refuse 'the restore is under way'
      return
    fi
    again=yes
  else
    # Where the disk has become read-only nobody can claim, nor confirm: better restored twice than not at all.
    guard_turn armed restoring || { [ -e "$state/armed" ] && ! guard_writes "$state/said"; } ||
      guard_refuse "nothing is armed: $(guard_since "$state")" || return 1
  fi
  guard_sign restorer || :
  if guard_alive "$state/pid"; then
    # shellcheck disable=SC2034
    read -r pid start <"$state/pid"
    guard_kill "$pid"
  fi
  if [ -e "$state/opening" ]; then guard_close_at_last "${guard_once-}" || return 1; else guard_put_back; fi
  guard_boot_remove
  guard_turn restoring restored
  guard_say_not_given
}

guard_say_not_given() { [ ! -e "$state/not-given" ] || sed 's/^/not given back: /' "$state/not-given"; }

# guard_undo [ID]: take a remedy back, also one that no guard watched and that was cut off; else the newest that was
# confirmed. What others have changed since is left alone, and named.
guard_undo() {
  local dir
  if [ -n "${1-}" ]; then
    guard_at "$1" || guard_refuse 'there is nothing to undo' || return 1
    [ ! -e "$state/undone" ] || return 0
    guard_turn opened confirmed
    dir=$state
  elif dir=$(guard_held); then
    state=$dir guard_once=once
    guard_restore || guard_refuse "it is closed in the files, but the server does not take them: $(tail -n 3 "$state/journal")" ||
      return 1
    echo "closed ${dir##*/}"
    return 0
  else
    guard_alone undo || return 1
    dir=$(guard_find undoing confirmed) || guard_refuse 'there is no remedy to undo' || return 1
  fi
  sh "$dir/guard.sh" undo
}

guard_undo_this() {
  local again=''
  trap '' HUP PIPE
  if [ -e "$state/undoing" ]; then
    ! guard_alive "$state/restorer" || guard_refuse 'the undo is under way' || return 1
    again=yes
  else
    guard_turn confirmed undoing || guard_refuse "this was not confirmed: $(guard_since "$state")" || return 1
  fi
  guard_sign restorer || :
  if [ ! -e "$state/left" ]; then
    guard_changed_since >"$state/left.new" && mv "$state/left.new" "$state/left" || return 1
  fi
  guard_put_back
  guard_turn undoing undone
  [ ! -e "$state/left" ] || sed 's/^/left alone, as it has changed since: /' "$state/left"
  guard_say_not_given
  echo "undone ${state##*/}"
}

# guard_boot: before anything that reads the files; what rules there are, boot makes of them.
guard_boot() {
  if [ -e "$state/restoring" ] || guard_turn armed restoring; then
    guard_sign restorer || :
    if [ -e "$state/opening" ]; then
      guard_close boot
      guard_turn restoring restored
      guard_boot_remove
      return 0
    fi
    guard_run_inverses boot
    guard_put_files
    guard_try systemctl daemon-reload </dev/null
    guard_put_units --no-block
    guard_turn restoring restored
  fi
  guard_boot_remove
}

# Is there a snapshot? A remedy without a guard has only what it kept, and its inverses; on a disk, its files.
guard_taken() { [ -d "$state/before" ]; }
guard_took_files() { [ -e "$state/all" ]; }

# Rules go first, each table at once, so that who has access keeps it; and again last, as units change them. Units
# are looked at twice too: what a dead remedy has asked of systemd may be done after its death.
guard_put_back() {
  local server_due="${again:+restart}" socket_due="$again" units_due="$again" firewalld_due='' crowdsec_due='' fail2ban_due=''
  rm -f "$state/room"
  guard_taken || { guard_unit_states >"$state/units"; } 2>/dev/null
  guard_run_inverses
  guard_put_rules
  guard_put_files
  ! guard_systemd || [ -z "$units_due" ] || guard_try systemctl daemon-reload </dev/null
  guard_put_units
  guard_put_server
  guard_put_units
  # A unit that is stopped takes the directory along that a daemon started by hand needs as well.
  [ ! -e "$state/server-folder" ] || [ -d "$server_folder" ] || (umask 022 && mkdir -p "$server_folder")
  guard_put_firewalld
  [ -z "$fail2ban_due" ] || guard_put_fail2ban_server
  [ -z "$crowdsec_due" ] || guard_try systemctl try-reload-or-restart crowdsec.service </dev/null
  guard_put_books
  guard_put_rules
  guard_agree_books
}

# guard_run_inverses [boot]: what boot starts or stops is left to it: asking systemd now would cancel that, or wait for it.
guard_run_inverses() {
  local file command guard_limit
  find "$state/inverse" -name '[0-9][0-9][0-9][0-9]' | sort -r | while IFS= read -r file; do
    command=$(cat "$file") guard_limit=60
    case ${1-}$command in
      boot\'systemctl\'\ \'st[ao]*) continue ;;
      *apt-get* | *dnf* | *yum* | *zypper* | *apk* | *pacman*) guard_limit=300 ;; # killed, they leave broken packages
    esac
    guard_note "inverse: $command"
    guard_try sh "$file" </dev/null
    mv "$file" "$file.done"
  done
}

