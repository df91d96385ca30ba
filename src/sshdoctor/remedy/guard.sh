# The guard: what a remedy changes is put back by the host itself, unless a new connection confirms it.
#
# POSIX sh and local (dash, bash, busybox ash). Sourced by a remedy, and kept on the host as $state/guard.sh:
#   . "$work/guard.sh"; guard_open ID <"$work/guard.sh" && guard_take && guard_arm 60    then the changes,
#   guard_after; and from a new connection: sh STATE/guard.sh confirm (or restore, undo, status)
#
# How a remedy stands is one of guard_words: a file of that name in its directory, renamed from word to word,
# so that of two who claim it one wins (rename(2)), also on a full disk. Deadlines count seconds of
# /proc/uptime, which no change of the clock moves; a process is its number and its start time (proc(5)).
# With systemd, a restore that a reboot cuts off is made up for at boot, before sshd. Without it, a shutdown
# that sends TERM first (every init does) makes the restore happen then; after a loss of power nothing does,
# and the next guard_open says so. A state in /run (where /var/lib cannot be written) ends with a reboot.
#
# shellcheck shell=sh disable=SC2013,SC2015,SC2016,SC2086,SC2094,SC2119,SC2120,SC3043

guard_words='opened armed confirmed restoring restored undoing undone'
guard_bases='/var/lib/sshdoctor /run/sshdoctor'
guard_names='ssh sshd ufw firewalld nftables netfilter-persistent iptables ip6tables fail2ban'
guard_units='ssh.service ssh.socket sshd.service sshd.socket ufw.service firewalld.service nftables.service
  netfilter-persistent.service iptables.service ip6tables.service fail2ban.service'
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

# guard_try COMMAND...: run for a minute at most; it stands in the journal, with what it says if it fails.
guard_try() {
  local said="$state/said" status=0 limit=''
  { : >"$said"; } 2>/dev/null || said=/dev/null
  timeout -s KILL 5 true 2>/dev/null && limit='timeout -s KILL 60'
  guard_note "$@"
  $limit "$@" >"$said" 2>&1 || status=$?
  [ "$status" = 0 ] || guard_note "  failed ($status): $(head -n 3 "$said")"
  return "$status"
}

# ---- Processes and time

# guard_started PID: its start time, in ticks since boot (field 22 of /proc/PID/stat).
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
  { echo "$moment" >"$state/deadline.new"; } 2>/dev/null && mv -f "$state/deadline.new" "$state/deadline"
}

# ---- States

# guard_word STATE: how it stands.
guard_word() {
  local word
  for word in $guard_words; do
    if [ -e "$1/$word" ]; then
      echo "$word"
      return 0
    fi
  done
  return 1
}

guard_since() {
  local word
  word=$(guard_word "$1")
  echo "$word since $(tail -n 1 "$1/$word" 2>/dev/null)"
}

# guard_turn OLD NEW: to the next word; false if somebody else was first.
guard_turn() {
  mv "$state/$1" "$state/$2" 2>/dev/null || return 1
  { guard_date >>"$state/$2"; } 2>/dev/null || :
  guard_note "$2"
}

# The directories of all states, the newest first: by their numbers, as clocks jump.
guard_all() {
  local base file
  for base in $guard_bases; do
    for file in "$base"/*/number; do
      [ ! -e "$file" ] || echo "$(cat "$file") ${file%/number}"
    done
  done | sort -rn | cut -d ' ' -f 2-
}

# guard_find WORD...: the newest state that stands so.
guard_find() {
  local each word
  for each in $(guard_all); do
    for word in "$@"; do
      if [ -e "$each/$word" ]; then
        echo "$each"
        return 0
      fi
    done
  done
  return 1
}

# guard_at [ID]: the state to speak of: of that ID, else the one that was opened, else the one under way.
guard_at() {
  local base
  if [ -n "${1-}" ]; then
    for base in $guard_bases; do
      state=$base/$1
      [ ! -d "$state" ] || return 0
    done
    state=
  elif [ -z "${state-}" ]; then
    state=$(guard_find armed restoring)
  fi
  [ -n "$state" ]
}

# guard_open ID <THIS FILE: a new state, in $state; false, with nothing changed, where there cannot be one.
guard_open() {
  local base text tool
  case $1 in '' | .* | *[!A-Za-z0-9._-]*) guard_refuse "'$1' cannot name a state" || return 1 ;; esac
  text=$(cat)
  for tool in stat find cmp sed awk; do
    guard_has $tool || guard_refuse "$tool is missing on the host: install it" || return 1
  done
  guard_started $$ >/dev/null && guard_uptime >/dev/null || guard_refuse '/proc is not mounted' || return 1
  [ "$(id -u)" = 0 ] || guard_refuse 'only root can guard' || return 1
  state=
  for base in $guard_bases; do
    guard_create "$base/$1" && break
  done
  [ -n "$state" ] || guard_refuse "no new state can be written in: $guard_bases" || return 1
  guard_alone || {
    rm -rf "$state"
    state=
    return 1
  }
  guard_prune
  guard_note opened
}

# Two MiB are kept free for the restore; where they cannot be had, the snapshot would not fit either.
guard_create() {
  local number
  (umask 077 && mkdir -p "${1%/*}" && chmod 700 "${1%/*}" && mkdir "$1") 2>/dev/null || return 1
  state=$1
  number=$(cat /var/lib/sshdoctor/*/number /run/sshdoctor/*/number 2>/dev/null | sort -n | tail -n 1)
  if (
    umask 077
    printf '%s\n' "$text" >"$1/guard.sh" && head -c 2097152 /dev/zero >"$1/room" &&
      mkdir "$1/tree" "$1/inverse" && : >"$1/kept" && : >"$1/paths" &&
      guard_sign pid && guard_date >"$1/opened" && echo $((${number:-0} + 1)) >"$1/number"
  ) 2>/dev/null; then
    return 0
  fi
  rm -rf "$1"
  state=
  return 1
}

# guard_alone [undo]: one remedy at a time (two that open at the same moment both give way).
guard_alone() {
  local other word
  for other in $(guard_all); do
    [ "$other" != "${state-}" ] || continue
    word=$(guard_word "$other")
    case $word in
      opened) guard_alive "$other/pid" || continue ;;
      armed | restoring | undoing)
        if ! guard_alive "$other/waiter" && ! guard_alive "$other/restorer"; then
          [ "${1-}$word" != undoundoing ] || continue
          [ "$word" = undoing ] && word=undo || word='restore (or confirm)'
          guard_refuse "an earlier remedy came to no end, and nothing waits to put it back (a reboot?):" \
            "${other##*/}, $(guard_since "$other"); say: sh $other/guard.sh $word"
          return 1
        fi
        ;;
      *) continue ;;
    esac
    guard_refuse "another remedy is under way on this host: ${other##*/}, $(guard_since "$other")"
    return 1
  done
}

# What never came to be armed goes; of the rest the newest ten stay.
guard_prune() {
  local other kept=0
  for other in $(guard_all); do
    case $(guard_word "$other") in
      opened) [ "$other" = "$state" ] || rm -rf "$other" ;;
      confirmed | restored | undone)
        kept=$((kept + 1))
        [ $kept -le 10 ] || rm -rf "$other"
        ;;
    esac
  done
}

# guard_status: ID, armed|confirmed|restored|undone (or on the way there), and since when; the newest first.
guard_status() {
  local each word
  for each in $(guard_all); do
    word=$(guard_word "$each")
    echo "${each##*/} $word $(tail -n 1 "$each/$word" 2>/dev/null)"
  done
}

# ---- What tasks call before they change something

guard_unkept() {
  guard_note "$*"
  if guard_has fail; then fail "$*"; else guard_refuse "$*"; fi
}

# keep PATH: as it is, or that it is not there; a link with what it points to, a directory without its files.
keep() {
  [ -n "${state-}" ] || return 0
  case $1 in
    /) ;;
    /*) set -- "${1%/}" ;;
    *) set -- "$(pwd)/${1%/}" ;;
  esac
  if [ -L "$1" ]; then
    set -- "$1" "$(readlink -f "$1")"
    case $2 in '' | "$1") ;; *) keep "$2" ;; esac
  fi
  ! grep -qxF -- "$1" "$state/paths" || return 0
  { guard_store "$1"; } 2>/dev/null || guard_unkept "$1 cannot be kept for the way back (a full disk?): it was not changed"
}

# A line of $state/kept ends with a bar: what a full disk has cut off is known by that.
guard_store() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then
    echo "absent - - - $1|" >>"$state/kept" || return 1
  else
    if [ -L "$1" ] || [ -f "$1" ]; then
      (umask 077 && mkdir -p "$state/tree${1%/*}" && cp -a "$1" "$state/tree$1") || return 1
    fi
    stat -c '%f %a %u %g %n|' "$1" >>"$state/kept" || return 1
  fi
  echo "$1" >>"$state/paths"
}

# inverse COMMAND...: what undoes the next command; at a restore the last is run first.
inverse() {
  [ -n "${state-}" ] || return 0
  local file word line=''
  for word in "$@"; do
    word=$(printf '%s.' "$word" | sed "s/'/'\\\\''/g")
    line="$line '${word%.}'"
  done
  file=$(find "$state/inverse" -type f | wc -l)
  file=$(printf '%s/%04d' "$state/inverse" $((file + 1)))
  { printf '%s\n' "${line# }" >"$file.new" && mv "$file.new" "$file"; } 2>/dev/null ||
    guard_unkept "no way back can be noted for '$*' (a full disk?): it was not run"
}

# ---- The snapshot

# guard_take: files, rules and unit states as they are; false, with nothing changed, if they cannot be had.
guard_take() {
  guard_take_files 2>/dev/null || guard_refuse "the files cannot be copied to $state (a full disk?)" || return 1
  guard_dump "$state/before" || guard_refuse "the firewall cannot be read: $(guard_unread before)" || return 1
  { guard_unit_states >"$state/units"; } 2>/dev/null || guard_refuse "$state cannot be written" || return 1
  [ -x /usr/sbin/sshd ] || guard_has sshd || : >"$state/no-sshd"
  guard_note 'snapshot taken'
}

# The files and folders that decide who gets in and what starts; those that there are.
guard_tops() {
  local name path
  set -- /etc/ssh /etc/default/ssh /etc/iptables /etc/sysconfig/ip*tables* /etc/nftables* /etc/ufw \
    /etc/default/ufw /etc/firewalld /etc/fail2ban/jail.local /etc/fail2ban/jail.d /etc/hosts.allow \
    /etc/hosts.deny /etc/nologin /run/nologin /etc/systemd/system/dbus-org.fedoraproject.FirewallD1.service
  for name in $guard_names; do
    set -- "$@" "/etc/systemd/system/$name".* /etc/systemd/system/*.wants/"$name".* \
      /etc/systemd/system/*.requires/"$name".* "/run/systemd/system/$name".* \
      /etc/rc?.d/[SK][0-9][0-9]"$name" /etc/runlevels/*/"$name"
  done
  for path in "$@"; do
    if [ -L "$path" ] && [ -d "$path" ]; then readlink -f "$path"; fi
    if [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi
  done
}

guard_take_files() (
  umask 077
  guard_tops | while IFS= read -r top; do
    mkdir -p "$state/tree${top%/*}" && cp -a "$top" "$state/tree${top%/*}/" &&
      find "$top" -exec stat -c '%f %a %u %g %n|' {} + >>"$state/kept" && find "$top" >>"$state/paths" || return 1
  done
)

# Asking must load no module (facts/firewall.py has the reasons): is nf_tables loaded, or built in?
guard_nf_tables() {
  local builtin
  [ -e /proc/modules ] || return 0
  ! grep -qs '^nf_tables ' /proc/modules || return 0
  builtin=/lib/modules/$(uname -r)/modules.builtin
  if [ -r "$builtin" ]; then grep -q '/nf_tables[.]ko' "$builtin"; else grep -qsw nft_do_chain /proc/kallsyms; fi
}

# guard_dump FOLDER: the rules of every back end, a file each, with their counters.
guard_dump() (
  rm -rf "$1" && mkdir -p "$1" && cd "$1" || return 1
  ! guard_nf_tables || nft=yes
  for ip in ip ip6; do
    legacy=$(cat "/proc/net/${ip}_tables_names" 2>/dev/null)
    if guard_has ${ip}tables-nft-save; then
      [ -z "${nft-}" ] || ${ip}tables-nft-save -c >${ip}tables-nft 2>errors || return 1
      [ -z "$legacy" ] || ! guard_has ${ip}tables-legacy-save ||
        ${ip}tables-legacy-save -c >${ip}tables-legacy 2>errors || return 1
    elif guard_has ${ip}tables-save && [ -n "${nft-}$legacy" ]; then
      ${ip}tables-save -c >${ip}tables 2>errors || return 1
    fi
  done
  [ -z "${nft-}" ] || ! guard_has nft || nft list ruleset >nft 2>errors || return 1
  if guard_has ipset && { [ ! -e /proc/modules ] || grep -q '^ip_set ' /proc/modules; }; then
    ipset save >ipset 2>errors || return 1
  fi
)

guard_unread() { head -n 3 "$state/$1/errors" 2>/dev/null; }

guard_unit_states() {
  local unit
  if guard_systemd; then
    # shellcheck disable=SC2046
    set -- $(systemctl is-active $guard_units 2>/dev/null)
    for unit in $guard_units; do
      echo "$unit ${1-unknown}"
      [ $# = 0 ] || shift
    done
  elif unit=$(guard_sshd); then
    echo "sshd $unit"
  else
    echo 'sshd no'
  fi
}

# The process number and the command of the sshd that listens (the title of its sessions has no path).
guard_sshd() {
  local file name line
  for file in /proc/[0-9]*/comm; do
    { read -r name <"$file"; } 2>/dev/null && [ "$name" = sshd ] || continue
    # Anybody may call a program sshd; only root's is one that root shall start again.
    [ "$(stat -c %u "${file%/comm}")" = 0 ] || continue
    line=$({ tr '\0' ' ' <"${file%comm}cmdline"; } 2>/dev/null)
    case $line in
      'sshd: /'*' [listener]'*) line=${line#sshd: } ;;
      /*) ;;
      *) continue ;;
    esac
    file=${file#/proc/}
    echo "${file%/comm} ${line%% \[listener\]*}"
    return 0
  done
  return 1
}

# guard_after: the rules as the remedy left them, for an undo. One that was never armed has nothing to wait for.
guard_after() {
  [ -n "${state-}" ] || return 0
  if [ -e "$state/opened" ]; then
    rm -f "$state/room"
    guard_turn opened confirmed
    return
  fi
  guard_dump "$state/after.new" && rm -rf "$state/after" && mv "$state/after.new" "$state/after"
}

# ---- Arming

# guard_arm SECONDS: from now on the host puts everything back by itself; false if its waiter does not run.
guard_arm() {
  { echo "$1" >"$state/seconds"; } 2>/dev/null && guard_deadline "$1" ||
    guard_refuse "$state cannot be written" || return 1
  guard_detach_unit || guard_detach
  guard_waits || guard_refuse 'the process that would put everything back cannot be started' || return 1
  guard_boot_install
  guard_turn opened armed
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
    [ $tries -le 50 ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# guard_touch [SECONDS]: the deadline is at least so far away (as far as it was armed for).
guard_touch() {
  [ -n "${state-}" ] && [ -e "$state/armed" ] || return 0
  guard_deadline "${1:-$(cat "$state/seconds")}" || :
}

# The waiter. TERM (a shutdown) is the deadline. A restore that was cut off, whoever began it, is gone on with.
guard_wait() {
  local moment now
  trap '' HUP INT
  trap 'rm -f "$state/deadline"' TERM
  guard_sign waiter || :
  while [ -e "$state/opened" ] || [ -e "$state/armed" ] || [ -e "$state/restoring" ]; do
    moment=0
    { read -r moment <"$state/deadline"; } 2>/dev/null || moment=0
    now=$(guard_uptime) || now=0
    if [ -e "$state/restoring" ]; then
      guard_alive "$state/restorer" || guard_restore || :
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
  { printf '%s\n' '# Puts back a change that nobody confirmed. Made by sshdoctor, and removed by it.' \
    '[Unit]' 'DefaultDependencies=no' 'After=local-fs.target' "Before=$(printf '%s ' $guard_units)network-pre.target" \
    '[Service]' 'Type=oneshot' "ExecStart=/bin/sh $state/guard.sh boot" >"$guard_boot_unit" &&
    mkdir -p /etc/systemd/system/sysinit.target.wants &&
    ln -sf "$guard_boot_unit" /etc/systemd/system/sysinit.target.wants/; } 2>/dev/null ||
    guard_note 'a reboot before the deadline would not be made up for'
}

guard_boot_remove() {
  rm -f "$guard_boot_unit" "/etc/systemd/system/sysinit.target.wants/${guard_boot_unit##*/}" 2>/dev/null || :
}

# guard_confirm [ID]: prints "confirmed", or "restored" (and is false) where the restore was first.
guard_confirm() {
  local tries=0
  guard_at "${1-}" || guard_refuse 'there is nothing to confirm' || return 1
  if guard_turn armed confirmed || [ -e "$state/confirmed" ]; then
    guard_boot_remove
    rm -f "$state/room"
    echo confirmed
    return 0
  fi
  while [ -e "$state/restoring" ] && [ $tries -lt 120 ]; do
    tries=$((tries + 1))
    sleep 1
  done
  echo restored
  return 1
}

# ---- The way back

# guard_restore [ID]: put back what an armed remedy changed, or go on with a restore that was cut off. The
# script that applies it is ended, unless this is it.
guard_restore() {
  local again='' pid start
  trap '' HUP PIPE
  guard_at "${1-}" || guard_refuse 'there is nothing to restore' || return 1
  if [ -e "$state/restoring" ]; then
    ! guard_alive "$state/restorer" || guard_refuse 'the restore is under way' || return 1
    again=yes
  else
    # Where the disk has become read-only nobody can claim, nor confirm: better restored twice than not at all.
    guard_turn armed restoring || { [ -e "$state/armed" ] && [ ! -w "$state" ]; } ||
      guard_refuse "nothing is armed: $(guard_since "$state")" || return 1
  fi
  guard_sign restorer || :
  if guard_alive "$state/pid"; then
    # shellcheck disable=SC2034
    read -r pid start <"$state/pid"
    guard_kill "$pid"
  fi
  guard_put_back
  guard_boot_remove
  guard_turn restoring restored
}

# guard_undo: take the newest confirmed remedy back; tables that changed since are left alone, and named.
guard_undo() {
  local dir
  guard_alone undo || return 1
  dir=$(guard_find undoing confirmed) || guard_refuse 'there is no remedy to undo' || return 1
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
  if guard_taken && [ ! -e "$state/left" ]; then
    guard_dump "$state/now" || guard_refuse "the firewall cannot be read: $(guard_unread now)" || return 1
    guard_changed_since >"$state/left.new" && mv "$state/left.new" "$state/left" || return 1
  fi
  guard_put_back
  guard_turn undoing undone
  [ ! -e "$state/left" ] || sed 's/^/left alone, as it has changed since: /' "$state/left"
  echo "undone ${state##*/}"
}

# guard_boot: before anything that reads the files; what rules there are, boot makes of them.
guard_boot() {
  if [ -e "$state/restoring" ] || guard_turn armed restoring; then
    guard_sign restorer || :
    guard_run_inverses
    guard_put_files
    guard_try systemctl daemon-reload </dev/null
    guard_put_units --no-block
    guard_turn restoring restored
  fi
  guard_boot_remove
}

# Is there a snapshot? A remedy without a guard has only what it kept, and its inverses.
guard_taken() { [ -d "$state/before" ]; }

# Rules go first, each table at once, so that who has access keeps it; and again last, as units change them.
guard_put_back() {
  local sshd_due="${again:+restart}" socket_due="$again" units_due="$again" firewalld_due=''
  rm -f "$state/room"
  guard_taken || { guard_unit_states >"$state/units"; } 2>/dev/null
  guard_run_inverses
  guard_put_rules
  guard_put_files
  ! guard_systemd || [ -z "$units_due" ] || guard_try systemctl daemon-reload </dev/null
  guard_put_units
  guard_put_sshd
  guard_put_firewalld
  guard_put_rules
}

guard_run_inverses() {
  local file
  find "$state/inverse" -name '[0-9][0-9][0-9][0-9]' | sort -r | while IFS= read -r file; do
    guard_note "inverse: $(cat "$file")"
    guard_try sh "$file" </dev/null
    mv "$file" "$file.done"
  done
}

# ---- Rules

# Without what counts: counters, quotas used, what is left of an element's time; and without comments.
guard_plain() {
  sed -e '/^#/d' -e 's/^\[[0-9]*:[0-9]*\] //' -e '/^:/s/ \[[0-9]*:[0-9]*\]$//' \
    -e 's/packets [0-9]* bytes [0-9]*//g' -e 's/ expires [0-9a-z]*//g' -e 's/used [0-9]* [a-z]*//g'
}

# guard_block FOLDER TOOL TABLE: the text of one table (set) of a dump; nothing if it is not there.
guard_block() {
  [ -e "$state/$1/$2" ] || return 0
  case $2 in
    nft) set -- "$@" '$1 == "table" && $2 " " $3 == name { on = 1 } on { print } on && /^}/ { exit }' ;;
    ipset) set -- "$@" '$2 == name' ;;
    *) set -- "$@" '$0 == "*" name { on = 1 } on { print } on && $0 == "COMMIT" { exit }' ;;
  esac
  awk -v name="$3" "$4" "$state/$1/$2"
}

# guard_tables TOOL FOLDER...: the tables (sets) that a tool has in any of these dumps.
guard_tables() {
  local tool="$1" folder
  shift
  for folder in "$@"; do
    [ -e "$state/$folder/$tool" ] || continue
    case $tool in
      nft) sed -n 's/^table \([a-z0-9]* [^ ]*\) .*/\1/p' "$state/$folder/nft" ;;
      ipset) sed -n 's/^create \([^ ]*\) .*/\1/p' "$state/$folder/ipset" ;;
      *) sed -n 's/^\*//p' "$state/$folder/$tool" ;;
    esac
  done | awk '!seen[$0]++'
}

# guard_same FOLDER FOLDER TOOL TABLE: they have the same rules there.
guard_same() { [ "$(guard_essence "$1" "$3" "$4")" = "$(guard_essence "$2" "$3" "$4")" ]; }

guard_essence() {
  case $2 in
    ipset) guard_block "$@" | sed -e '/^add /s/ timeout [0-9]*//' -e 's/ packets [0-9]* bytes [0-9]*//' \
      -e 's/ hashsize [0-9]*//' | sort ;;
    *) guard_block "$@" | guard_plain ;;
  esac
}

# guard_native "FAMILY NAME": nft's own table, which neither firewalld nor (before) iptables-nft looks after.
guard_native() {
  case $1 in
    *' firewalld') return 1 ;;
    'ip '*) ! guard_tables iptables-nft before | grep -qxF -- "${1#* }" ;;
    'ip6 '*) ! guard_tables ip6tables-nft before | grep -qxF -- "${1#* }" ;;
  esac
}

# The tables that are not as the remedy left them, as "TOOL TABLE".
guard_changed_since() {
  local tool table
  for tool in $guard_tools nft ipset; do
    guard_tables "$tool" before after now | while IFS= read -r table; do
      if [ "$tool" = nft ] && guard_tables ip6tables-nft after now | grep -qxF -- "${table#ip6 }"; then continue; fi
      if [ "$tool" = nft ] && guard_tables iptables-nft after now | grep -qxF -- "${table#ip }"; then continue; fi
      guard_same after now "$tool" "$table" || echo "$tool $table"
    done
  done
}

# guard_differing TOOL: its tables that are to be put back.
guard_differing() {
  local table
  guard_tables "$1" before now | while IFS= read -r table; do
    if guard_same before now "$1" "$table" || grep -qsxF -- "$1 $table" "$state/left"; then continue; fi
    echo "$table"
  done
}

guard_put_rules() {
  local tool table
  guard_taken || return 0
  guard_dump "$state/now" || guard_note "the rules cannot be read: $(guard_unread now)"
  guard_differing ipset | while IFS= read -r table; do guard_put_set "$table"; done
  for tool in $guard_tools; do
    guard_differing "$tool" | while IFS= read -r table; do guard_put_table "$tool" "$table"; done
  done
  # Tables of iptables-nft are gone from nft's list, or as they were: what differs now is nft's own.
  guard_dump "$state/now" || :
  guard_differing nft | while IFS= read -r table; do
    ! guard_native "$table" || guard_put_native "$table"
  done
  guard_differing ipset | while IFS= read -r table; do
    [ -n "$(guard_block before ipset "$table")" ] || guard_try ipset destroy "$table" </dev/null
  done
}

# guard_put_table TOOL TABLE: one that was not there is deleted, or emptied: legacy ones go with their module only.
guard_put_table() {
  local family=ip
  case $1 in ip6*) family=ip6 ;; esac
  guard_note "table $2 of $1"
  if [ -z "$(guard_block before "$1" "$2")" ]; then
    case $1 in *-nft) guard_has nft && guard_try nft delete table $family "$2" </dev/null && return 0 ;; esac
    guard_block now "$1" "$2" | sed -n -e 's/^:\([^ ]*\) [A-Z][A-Z]* .*/:\1 ACCEPT [0:0]/p' -e '/^\*/p' \
      -e '/^COMMIT/p' | guard_try "$1-restore" -c
  elif ! guard_block before "$1" "$2" | guard_try "$1-restore" -w 10 -c; then # old ones have no -w
    guard_block before "$1" "$2" | guard_try "$1-restore" -c && return 0
    # A table of that name that nft has made its own since stands in the way.
    case $1 in
      *-nft) guard_try nft delete table $family "$2" </dev/null &&
        guard_block before "$1" "$2" | guard_try "$1-restore" -c ;;
    esac
  fi
}

# guard_put_native "FAMILY NAME": in one transaction; its first line lets the second one work in any case.
guard_put_native() {
  {
    printf 'add table %s\ndelete table %s\n' "$1" "$1"
    guard_block before nft "$1"
  } | guard_try nft -f -
}

# A set that rules point to cannot be destroyed: its old content is swapped in. New sets go after the rules.
guard_put_set() {
  [ -n "$(guard_block before ipset "$1")" ] || return 0
  if [ -z "$(guard_block now ipset "$1")" ]; then
    guard_block before ipset "$1" | guard_try ipset -exist restore
    return
  fi
  ipset destroy sshdoctor-old 2>/dev/null
  guard_block before ipset "$1" | sed 's/^\([a-z]* \)[^ ]*/\1sshdoctor-old/' | guard_try ipset restore &&
    guard_try ipset swap sshdoctor-old "$1" </dev/null
  guard_try ipset destroy sshdoctor-old </dev/null
}

# firewalld makes its table itself. What only ran, and stood in no file, comes back from the snapshot.
guard_put_firewalld() {
  grep -qsx 'firewalld.service active' "$state/units" && guard_has firewall-cmd || return 0
  ! grep -qsxF 'nft inet firewalld' "$state/left" || return 0
  guard_firewalld_settles
  guard_dump "$state/now" || :
  if [ -n "$firewalld_due" ] || ! guard_same before now nft 'inet firewalld'; then
    # It cannot reload (1.3) where its table was taken from it, and then goes on as failed.
    guard_try firewall-cmd --reload </dev/null || guard_try systemctl restart firewalld.service </dev/null
    guard_firewalld_settles
    guard_dump "$state/now" || :
  fi
  if [ -n "$(guard_block before nft 'inet firewalld')" ] && ! guard_same before now nft 'inet firewalld'; then
    guard_put_native 'inet firewalld'
  fi
}

# Its unit counts as started before it has made its rules.
guard_firewalld_settles() {
  local tries=0
  until [ "$(firewall-cmd --state 2>/dev/null </dev/null)" = running ] || [ $tries -ge 20 ]; do
    tries=$((tries + 1))
    sleep 1
  done
}

# ---- Files

guard_put_files() {
  local raw mode uid gid path
  while read -r raw mode uid gid path; do
    case $path in *'|') path=${path%'|'} ;; *) continue ;; esac
    case $raw in
      8* | a*) [ -f "$state/tree$path" ] || [ -L "$state/tree$path" ] || continue ;;
    esac
    case $raw in
      4*) if [ -L "$path" ] || [ ! -d "$path" ]; then rm -f "$path" && mkdir -p "$path"; fi ;;
      8*) { [ -f "$path" ] && [ ! -L "$path" ] && cmp -s "$state/tree$path" "$path"; } || guard_put_file ;;
      a*) { [ -L "$path" ] && [ "$(readlink "$state/tree$path")" = "$(readlink "$path")" ]; } || guard_put_file ;;
      *) continue ;;
    esac
    guard_put_mode
  done <"$state/kept"
  while IFS= read -r path; do
    [ -z "$path" ] || guard_remove
  done <<EOF
$({
    sed -n 's/^absent - - - \(.*\)|$/\1/p' "$state/kept"
    ! guard_taken || guard_tops | while IFS= read -r path; do find "$path"; done | grep -vxF -f "$state/paths"
  } | sort -r)
EOF
}

# By a rename where that can be; in place where it cannot (a full disk, a file that is a mount).
guard_put_file() {
  guard_touched
  guard_note "$path as it was"
  [ -d "${path%/*}" ] || (umask 022 && mkdir -p "${path%/*}")
  [ ! -d "$path" ] || rm -rf "$path"
  if ! { cp -a "$state/tree$path" "$path.sshdoctor-old" && mv -f "$path.sshdoctor-old" "$path"; } 2>/dev/null; then
    rm -f "$path.sshdoctor-old"
    { cat "$state/tree$path" >"$path"; } 2>/dev/null || guard_note '  failed'
  fi
}

guard_put_mode() {
  [ "$(stat -c '%f %u %g' "$path" 2>/dev/null)" != "$raw $uid $gid" ] || return 0
  guard_note "$path: mode $mode, owner $uid:$gid"
  chown -h "$uid:$gid" "$path" 2>/dev/null
  [ -L "$path" ] || chmod "$mode" "$path" 2>/dev/null || guard_note '  failed'
}

# What was not there goes, but not what a package brought, nor keys and links of an sshd installed since.
guard_remove() {
  [ -e "$path" ] || [ -L "$path" ] || return 0
  case $path in *.dpkg-* | *.rpmnew | *.rpmsave | *.rpmorig) return 0 ;; esac
  if dpkg -S "$path" >/dev/null 2>&1 || rpm -qf "$path" >/dev/null 2>&1; then return 0; fi
  if [ -e "$state/no-sshd" ] && [ -x /usr/sbin/sshd ] && ! grep -qxF "absent - - - $path|" "$state/kept"; then
    case $path in *ssh*) return 0 ;; esac
  fi
  guard_touched
  guard_note "remove $path"
  if [ -d "$path" ] && [ ! -L "$path" ]; then rmdir "$path" 2>/dev/null; else rm -f "$path"; fi || guard_note '  failed'
}

# What has to read a file again.
guard_touched() {
  case $path in
    */ssh.socket* | */sshd.socket*) units_due=yes socket_due=yes ;;
    /etc/systemd/*/ssh* | /run/systemd/*/ssh*) units_due=yes sshd_due=restart ;;
    /etc/systemd/* | /run/systemd/* | /etc/rc?.d/*) units_due=yes ;;
    /etc/default/ssh) sshd_due=restart ;;
    /etc/ssh/*) sshd_due=${sshd_due:-reload} ;;
    /etc/firewalld/*) firewalld_due=yes ;;
  esac
}

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
    case $was:$(guard_was "$unit" units.now) in
      active:active) ;;
      active:*)
        systemctl reset-failed "$unit" >/dev/null 2>&1 </dev/null
        guard_try systemctl ${1-} start "$unit" </dev/null
        ;;
      inactive:active | failed:active)
        # A socket that listens starts its service whenever somebody knocks.
        case $unit:$(guard_was "${unit%.service}.socket"):${1-} in
          ssh*.service:active:* | *:--no-block) ;;
          *) guard_try systemctl stop "$unit" </dev/null ;;
        esac
        ;;
    esac
  done <"$state/units"
}

guard_put_process() {
  local was pid command
  was=$(guard_was sshd)
  pid=$(guard_sshd) && pid=${pid%% *} || pid=
  if [ "$was" = no ] && [ -n "$pid" ]; then
    guard_try kill "$pid" </dev/null
  elif [ "$was" != no ] && [ -n "$was" ] && [ -z "$pid" ]; then
    [ -d /run/sshd ] || (umask 022 && mkdir -p /run/sshd)
    if guard_has rc-service; then guard_try rc-service sshd start </dev/null; fi
    command=${was#* }
    guard_sshd >/dev/null || (set -f && guard_try sh -c '"$@" &' sh $command </dev/null)
  fi
}

# sshd reads its files again, if it ran, and only what it accepts: else it goes on with what it has read.
guard_put_sshd() {
  local unit how=restart
  [ "$sshd_due" != reload ] || how=reload-or-restart
  for unit in ssh sshd; do
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
      [ -z "$sshd_due" ] || ! guard_sshd_accepts || guard_try systemctl $how $unit.service </dev/null
      return 0
    fi
  done
  case $(guard_was sshd) in '' | no) return 0 ;; esac
  [ -z "$sshd_due" ] || ! guard_sshd >/dev/null || ! guard_sshd_accepts || {
    unit=$(guard_sshd)
    guard_try kill -HUP "${unit%% *}" </dev/null
  }
}

guard_sshd_accepts() {
  local sshd=/usr/sbin/sshd
  [ -x $sshd ] || sshd=$(command -v sshd) || return 1
  guard_try "$sshd" -t </dev/null
}

# ---- On its own

case $0 in
  */guard.sh)
    PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
    LC_ALL=C
    export PATH LC_ALL
    umask 077
    state=$(cd "${0%/*}" && pwd) && cd / || exit 1
    case ${1-} in
      wait | boot | confirm | restore | status) "guard_$1" ;;
      undo) guard_undo_this ;;
      *) echo "usage: sh $0 confirm|restore|undo|status" >&2 && exit 2 ;;
    esac
    ;;
esac
