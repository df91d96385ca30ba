# The guard: what a remedy changes is put back by the host itself, unless a new connection confirms it.
#
# POSIX sh and local (dash, bash, busybox ash). Sourced by a remedy, and kept on the host as $state/guard.sh:
#   . "$work/guard.sh"; guard_open ID <"$work/guard.sh" && guard_take && guard_arm 60    then the changes,
#   guard_after; and from a new connection: sh STATE/guard.sh confirm (or restore, undo, status)
#
# How a remedy stands is one of guard_words: a file of that name in its directory, renamed from word to word,
# so that of two who claim it one wins (rename(2)), also on a full disk. Deadlines count seconds of
# /proc/uptime, which no change of the clock moves; a process is its number and its start time (proc(5)).
# With systemd, a restore that a reboot cuts off is made up for at boot, first of all. Without it, a shutdown
# that sends TERM first (every init does) makes the restore happen then; after a loss of power nothing does,
# and the next guard_open says so. A state in /run (where /var/lib cannot be written) ends with a reboot.
#
# shellcheck shell=sh disable=SC3013,SC2013,SC2015,SC2016,SC2030,SC2031,SC2086,SC2094,SC2119,SC2120,SC3043

guard_words='opened armed confirmed restoring restored undoing undone'
guard_bases='/var/lib/sshdoctor /run/sshdoctor'
guard_tools='iptables-nft ip6tables-nft iptables-legacy ip6tables-legacy iptables ip6tables'
guard_boot_unit=/etc/systemd/system/restore-by-sshdoctor.service

guard_has() { command -v "$1" >/dev/null 2>&1; }

guard_systemd() { [ -d /run/systemd/system ] && guard_has systemctl; }

guard_date() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# The journal of the state: a disk that is full stops nothing.
guard_note() { { printf '%s %s\n' "$(guard_date)" "$*" >>"$state/journal"; } 2>/dev/null || :; }

# guard_refuse MESSAGE: why it cannot be, in $guard_reason and on standard error; false.
guard_refuse() {
  guard_reason=$*
  echo "guard: $guard_reason" >&2
  return 1
}

# guard_writes FILE: it can be written, and is empty now. (":" would end the shell where it cannot.)
guard_writes() { { true >"$1"; } 2>/dev/null; }

# guard_try COMMAND...: run for a minute at most; it stands in the journal, with what it says if it fails.
guard_try() {
  local said="$state/said" status=0 limit=''
  guard_writes "$said" || said=/dev/null
  timeout -s KILL 5 true 2>/dev/null && limit="timeout -s KILL ${guard_limit:-60}"
  guard_note "$@"
  $limit "$@" >"$said" 2>&1 || status=$?
  [ "$status" = 0 ] || guard_note "  failed ($status): $(head -n 3 "$said")"
  return "$status"
}

