# ---- The snapshot

guard_firewalls='ufw firewalld nftables netfilter-persistent iptables ip6tables fail2ban'
guard_names="$server_names $guard_firewalls"
guard_units="$server_units$(printf ' %s.service' $guard_firewalls)"

# guard_take: files, rules and unit states as they are; false, with nothing changed, if they cannot be had.
guard_take() {
  guard_take_files || return 1
  guard_dump "$state/before" || guard_refuse "the firewall cannot be read: $(guard_unread before)" || return 1
  { guard_unit_states >"$state/units"; } 2>/dev/null && guard_books "$state/books" ||
    guard_refuse "$state cannot be written" || return 1
  server_installed || true >"$state/no-server"
  [ ! -d "$server_folder" ] || true >"$state/server-folder"
  guard_note 'snapshot taken'
}

# The files and folders that decide who gets in and what starts; those that there are.
guard_tops() {
  local name path
  set -- $server_files /etc/iptables /etc/sysconfig/ip*tables* /etc/nftables* /etc/ufw \
    /etc/default/ufw /etc/firewalld /etc/fail2ban/jail.local /etc/fail2ban/jail.d /etc/hosts.allow \
    /etc/hosts.deny /etc/csf /var/lib/denyhosts /etc/sshguard /var/lib/sshguard /etc/nologin /run/nologin /etc/systemd/system/dbus-org.fedoraproject.FirewallD1.service
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

# guard_take_files: these alone, of a system that does not run.
guard_take_files() {
  guard_copy_files 2>/dev/null || guard_refuse "the files cannot be copied to $state (a full disk?)"
}

guard_copy_files() (
  umask 077
  true >"$state/all" || return 1
  tops=$(guard_tops)
  set -f
  IFS='
'
  set -- $tops
  [ $# -gt 0 ] || return 0
  for top; do
    [ -d "$state/tree${top%/*}" ] || mkdir -p "$state/tree${top%/*}" || return 1
    cp -a "$top" "$state/tree${top%/*}/" || return 1
  done
  find "$@" -exec stat -c '%f %a %u %g %n|' {} + >>"$state/kept" && find "$@" >>"$state/paths"
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

# One line: of several, who reads the guard's words would take the last for all of them.
guard_unread() {
  head -n 3 "$state/$1/errors" 2>/dev/null | tr '\n' ' '
  ! grep -qsiE 'permission denied|not permitted' "$state/$1/errors" ||
    echo '(root has no CAP_NET_ADMIN there: a container has it by --cap-add NET_ADMIN)'
}

guard_unit_states() {
  local unit
  if guard_systemd; then
    # shellcheck disable=SC2046
    set -- $(systemctl is-active $guard_units 2>/dev/null)
    for unit in $guard_units; do
      echo "$unit ${1-unknown}"
      [ $# = 0 ] || shift
    done
  elif unit=$(server_process); then
    echo "$server $unit"
  else
    echo "$server no"
  fi
}

# guard_found: everything under these.
guard_found() (
  tops=$(guard_tops)
  set -f
  IFS='
'
  set -- $tops
  [ $# = 0 ] || find "$@"
)

# guard_after: all as the remedy left it, for an undo. One that was never armed has nothing to wait for.
guard_after() {
  [ -n "${state-}" ] || return 0
  { guard_list >"$state/files.new" && mv "$state/files.new" "$state/files.after"; } & # a person waits for these
  if [ ! -e "$state/opened" ]; then
    { guard_unit_states >"$state/units.new" && mv "$state/units.new" "$state/units.after"; } &
    [ ! -s "$state/books" ] || { guard_books "$state/books.new" && mv "$state/books.new" "$state/books.after"; } &
    guard_dump "$state/after.new" && rm -rf "$state/after" && mv "$state/after.new" "$state/after"
    wait
    return
  fi
  wait
  rm -f "$state/room"
  guard_turn opened confirmed
}

