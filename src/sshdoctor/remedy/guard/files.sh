# ---- Files

guard_put_files() {
  local raw mode uid gid path
  while read -r raw mode uid gid path; do
    case $path in *'|') path=${path%'|'} ;; *) continue ;; esac
    ! guard_left "$path" || continue
    case $raw in
      4*) ;;
      8* | a*) [ -f "$state/tree$path" ] || [ -L "$state/tree$path" ] || continue ;;
      *) continue ;;
    esac
    if theirs "$path"; then
      guard_touched
      guard_put_theirs || guard_note "$path was not put back: is its folder not what it was?"
      continue
    fi
    case $raw in
      4*) if [ -L "$path" ] || [ ! -d "$path" ]; then rm -f "$path" && mkdir -p "$path"; fi ;;
      8*)
        { [ -f "$path" ] && [ ! -L "$path" ] && cmp -s "$state/tree$path" "$path"; } || guard_put_file
        [ ! "$path" -nt "$state/tree$path" ] || touch -r "$state/tree$path" "$path" 2>/dev/null
        ;;
      a*) { [ -L "$path" ] && [ "$(readlink "$state/tree$path")" = "$(readlink "$path")" ]; } || guard_put_file ;;
    esac
    guard_put_mode
  done <"$state/kept"
  while IFS= read -r path; do
    [ -z "$path" ] || guard_remove
  done <<EOF
$({
    sed -n 's/^absent - - - \(.*\)|$/\1/p' "$state/kept"
    ! guard_took_files || guard_found | grep -vxF -f "$state/paths"
  } | sort -r)
EOF
}

guard_put_theirs() {
  local kept="$state/tree$path"
  case $raw in
    8*)
      theirs_same "$kept" "$path" "$uid:$gid" "$mode" || {
        guard_note "$path as it was"
        theirs_put "$kept" "$path" "$uid:$gid" "$mode"
      }
      ;;
    a*) theirs_link "$(readlink "$kept")" "$path" "$uid:$gid" ;;
    4*) theirs_folder "$path" "$uid:$gid" "$mode" ;;
  esac 2>/dev/null
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

# What was not there goes, but not what a package brought, nor keys and links of a server installed since.
guard_remove() {
  [ -e "$path" ] || [ -L "$path" ] || return 0
  ! guard_left "$path" || return 0
  case $path in *.dpkg-* | *.rpmnew | *.rpmsave | *.rpmorig) return 0 ;; esac
  if dpkg -S "$path" >/dev/null 2>&1 || rpm -qf "$path" >/dev/null 2>&1; then return 0; fi
  if [ -e "$state/no-server" ] && server_installed && server_owns; then
    grep -qxF "absent - - - $path|" "$state/kept" || return 0
  fi
  guard_touched
  guard_note "remove $path"
  if theirs "$path"; then
    theirs_remove "$path"
  elif [ -d "$path" ] && [ ! -L "$path" ]; then rmdir "$path" 2>/dev/null; else rm -f "$path"; fi || guard_note '  failed'
}

# What has to read a file again.
guard_touched() {
  case $path in
    /etc/systemd/* | /run/systemd/* | /etc/rc?.d/*) units_due=yes ;;
    /etc/firewalld/*) firewalld_due=yes ;;
    /etc/crowdsec/*) crowdsec_due=yes ;;
    /etc/fail2ban/jail.d/sshdoctor.local) ;; # whom jails ignore: given back to the server itself (books.sh)
    /etc/fail2ban/*) fail2ban_due=yes ;;
  esac
  server_touched
}

