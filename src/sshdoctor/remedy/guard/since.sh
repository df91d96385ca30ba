# ---- What others have changed since a remedy: an undo leaves that alone, and names it ($state/left)

# guard_list: the type, mode, owner and content of every file that an undo may touch, as they are.
guard_list() (
  listed=$({ cat "$state/paths" && { ! guard_took_files || guard_found; }; } | sort -u) || return 1
  set -f
  IFS='
'
  set -- $listed
  [ $# -gt 0 ] || return 0
  files=
  for path; do [ ! -f "$path" ] || [ -L "$path" ] || files="$files$path$IFS"; done
  stat -c '%f %u %g %N|%n|' "$@" 2>/dev/null
  [ -z "$files" ] || cksum $files | sed 's/^\([^/]*\)\(.*\)/\1|\2|/'
)

guard_files_changed_since() {
  [ -e "$state/files.after" ] || return 0
  guard_list >"$state/files.now" || return 1
  {
    grep -vxF -f "$state/files.now" "$state/files.after"
    grep -vxF -f "$state/files.after" "$state/files.now"
  } | sed -n 's/.*|\(.*\)|$/\1/p' | sort -u
}

# A socket that listens starts and ends its service by itself.
guard_units_changed_since() {
  [ -e "$state/units.after" ] || return 0
  guard_unit_states >"$state/units.now" || return 1
  awk 'function runs(word) { return word !~ /^(no|inactive|failed|deactivating|unknown)$/ }
    FNR == NR { was[$1] = runs($2); next }
    { is[$1] = runs($2) }
    END { for (unit in is) {
      socket = unit; sub(/service$/, "socket", socket)
      if (is[unit] != was[unit] && (socket == unit || !is[socket])) print unit
    } }' "$state/units.after" "$state/units.now"
}

# The tables that are not as the remedy left them, as "TOOL TABLE".
guard_tables_changed_since() {
  local tool table
  guard_dump "$state/now" || guard_refuse "the firewall cannot be read: $(guard_unread now)" || return 1
  for tool in $guard_tools nft ipset; do
    guard_tables "$tool" before after now | while IFS= read -r table; do
      if [ "$tool" = nft ] && guard_tables ip6tables-nft after now | grep -qxF -- "${table#ip6 }"; then continue; fi
      if [ "$tool" = nft ] && guard_tables iptables-nft after now | grep -qxF -- "${table#ip }"; then continue; fi
      guard_same after now "$tool" "$table" || echo "$tool $table"
    done
  done
}

guard_changed_since() {
  guard_files_changed_since || return 1
  ! guard_taken || { guard_units_changed_since && guard_tables_changed_since; }
}

# guard_left LINE: it is left alone.
guard_left() { [ -s "$state/left" ] && grep -qxF -- "$1" "$state/left"; }

# guard_foretell: the rules as an undo would leave them, a dump for each tool.
guard_foretell() {
  local tool table from
  if guard_held >/dev/null; then # no rules come back by it
    say over
    return 0
  fi
  state=$(guard_find undoing confirmed) || guard_refuse 'there is no remedy to undo' || return 1
  if guard_taken; then
    guard_changed_since >"$state/left.told" || return 1
    for tool in $guard_tools nft ipset; do
      [ -e "$state/before/$tool" ] || [ -e "$state/now/$tool" ] || continue
      say "then-$tool"
      guard_tables "$tool" before now | while IFS= read -r table; do
        ! guard_of_iptables "$tool" "$table" || continue
        from=before
        ! grep -qxF -- "$tool $table" "$state/left.told" || from=now
        guard_block "$from" "$tool" "$table"
      done | sed 's/^\[[0-9]*:[0-9]*\] //'
    done
  fi
  say over
}

# guard_of_iptables TOOL TABLE: one that nft lists too, and iptables-nft holds.
guard_of_iptables() {
  case $1,$2 in
    nft,'ip '*) guard_tables iptables-nft before now ;;
    nft,'ip6 '*) guard_tables ip6tables-nft before now ;;
  esac | grep -qxF -- "${2#* }"
}
