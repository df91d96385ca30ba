# ---- An opening for a while: the host closes it by itself, and puts back nothing else

# An opening is one file of its own, and what includes it in a line. What closes it empties the file first: whatever
# somebody else has made of the file with that line meanwhile, nothing is open by it any more, and theirs stays.

# guard_opening FILE: from now on the way back of this remedy is to close what FILE opens.
guard_opening() {
  case $1 in /etc/*[!A-Za-z0-9/._-]* | */../*) guard_refuse "'$1' cannot name an opening" || return 1 ;; /etc/*) ;; *) return 1 ;; esac
  { echo "$1" >"$state/opening"; } 2>/dev/null || guard_refuse "$state cannot be written"
}

# guard_hold SECONDS [ID]: it was proved: it stays open for so long from now. Prints "held", or "restored" (and is
# false) where it was closed before.
guard_hold() {
  guard_at "${2-}" && [ -e "$state/opening" ] || guard_refuse 'there is no opening' || return 1
  if [ -e "$state/armed" ] && guard_alive "$state/waiter" && { echo "$1" >"$state/seconds"; } 2>/dev/null &&
    guard_set_deadline $(($(guard_uptime) + $1)) && [ -e "$state/armed" ]; then
    { date -u -d "+$1 seconds" +%Y-%m-%dT%H:%M:%SZ >"$state/until"; } 2>/dev/null || :
    guard_note "open for $1 s"
    echo held
    return 0
  fi
  guard_settles
  echo restored
  return 1
}

# guard_held: the directory of the opening that waits to be closed; false if there is none.
guard_held() {
  local each
  for each in $(guard_all); do
    if [ -e "$each/opening" ] && [ -e "$each/armed" ]; then
      echo "$each"
      return 0
    fi
  done
  return 1
}

# guard_close [boot]: false where the server does not take its files as they are, and so goes on with those it has read.
guard_close() {
  local file path raw rest new
  read -r file <"$state/opening" || return 1
  rm -f "$state/room"
  [ ! -e "$file" ] || { true >"$file"; } 2>/dev/null || guard_note "$file cannot be emptied"
  while read -r raw rest rest rest path; do
    path=${path%'|'}
    [ -f "$path" ] && ! theirs "$path" && grep -qF -- "$file" "$path" || continue
    guard_note "$path without what includes $file"
    new=${path%/*}/.sshdoctor-new # no server reads what begins with a dot
    { cp -p "$path" "$new" && sed -e "s|[[:blank:]]*include $file;||" -e "\|^[[:blank:]]*IncludeOptional $file\$|d" \
      "$path" >"$new" && mv -f "$new" "$path"; } 2>/dev/null || {
      rm -f "$new"
      guard_note '  failed'
    }
  done <"$state/kept"
  [ "${1-}" != boot ] || return 0
  opening_over "$file" || return 1
  grep -rqsF -- "$file" "${file%/*}" || rm -f "$file"
}

# guard_close_at_last: again and again, until the server takes it.
guard_close_at_last() {
  local tries=0
  until guard_close; do
    guard_note 'the server does not take its configuration: what it has read is open still; tried again'
    tries=$((tries + 1))
    [ "${1-}" != once ] || [ $tries -lt 3 ] || return 1
    sleep 5
  done
}
