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
    # Whom other hosts have banned changes by itself; what looks it up, and whom it spares, does not
    # (playbook share-bans).
    nft) guard_block "$@" | if [ "$3" = 'inet sshdoctor_share' ]; then
      awk '$1 == "set" { theirs = $2 ~ /_banned[46]$/ } /^\t\telements = / { held = theirs } !held { print } /}/ { held = 0 }'
    else cat; fi | guard_plain ;;
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

# guard_differing TOOL: its tables that are to be put back.
guard_differing() {
  local table
  guard_tables "$1" before now | while IFS= read -r table; do
    if guard_same before now "$1" "$table" || guard_left "$1 $table"; then continue; fi
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
  ! guard_left 'nft inet firewalld' || return 0
  # One that hangs is killed by its unit after minutes: until then its rules are needed as well.
  guard_firewalld_settles || guard_put_firewalld_table
  guard_dump "$state/now" || :
  if [ -n "$firewalld_due" ] || ! guard_same before now nft 'inet firewalld'; then
    # It cannot reload (1.3) where its table was taken from it, and then goes on as failed.
    guard_try firewall-cmd --reload </dev/null || guard_try systemctl restart firewalld.service </dev/null
    guard_firewalld_settles || guard_note 'firewalld does not answer'
  fi
  guard_put_firewalld_table
}

guard_put_firewalld_table() {
  guard_dump "$state/now" || :
  [ -z "$(guard_block before nft 'inet firewalld')" ] || guard_same before now nft 'inet firewalld' ||
    guard_put_native 'inet firewalld'
}

# Its unit counts as started before it has made its rules; one that failed to load them answers "failed" for good.
guard_firewalld_settles() {
  local latest
  latest=$(($(guard_uptime) + 20))
  while :; do
    case $(timeout -s KILL 5 firewall-cmd --state 2>/dev/null </dev/null) in
      running | failed) return 0 ;;
    esac
    [ "$(guard_uptime)" -lt $latest ] || return 1
    sleep 1
  done
}
