# ---- The owners' own books: who bans must know of each ban that its rules carry out, and of no other
#
# Files that are books (ufw, firewalld, csf, denyhosts, sshguard) are kept with the others. fail2ban's list lives in
# its server; its bans end, so what is given back ends when it would have ended.

guard_fail2ban() { [ -S /run/fail2ban/fail2ban.sock ] && guard_has fail2ban-client; }

# guard_books FILE: what fail2ban's jails ban (with its end, in seconds since 1970) and ignore, a line each.
guard_books() {
  local jail
  { : >"$1"; } 2>/dev/null || return 1
  guard_fail2ban || return 0
  for jail in $(fail2ban-client status 2>/dev/null </dev/null | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ,); do
    fail2ban-client get "$jail" banip --with-time 2>/dev/null </dev/null |
      sed -n "s/^\([0-9a-fA-F.:/]*\)[[:space:]].* = \([-0-9]* [0-9:]*\)\$/\1 \2/p" |
      while read -r element ends; do
        echo "bans $jail $element $(date -d "$ends" +%s 2>/dev/null || echo 0)"
      done
    fail2ban-client get "$jail" ignoreip 2>/dev/null </dev/null | sed -n "s/^[|\`]- /ignores $jail /p"
  done >>"$1" 2>/dev/null
  :
}

# Before the rules go back for the last time: a second rule that fail2ban makes for a ban goes with that.
guard_put_books() {
  local what jail element ends
  [ -s "$state/books" ] && guard_fail2ban || return 0
  guard_books "$state/books.now"
  while read -r what jail element ends; do
    ! cut -d ' ' -f 1-3 "$state/books.now" | grep -qxF -- "$what $jail $element" || continue
    case $what in
      bans) guard_ban_again ;;
      ignores) guard_try fail2ban-client set "$jail" addignoreip "$element" </dev/null ;;
    esac
  done <"$state/books"
  while read -r what jail element ends; do
    [ "$what" = ignores ] && ! grep -qxF -- "$what $jail $element" "$state/books" || continue
    guard_try fail2ban-client set "$jail" delignoreip "$element" </dev/null
  done <"$state/books.now"
}

# For as long as was left of it; where its end could not be read, for as long as the jail bans.
guard_ban_again() {
  local usual left
  left=$((${ends:-0} - $(date +%s)))
  [ "${ends:-0}" != 0 ] || left=''
  usual=$(fail2ban-client get "$jail" bantime 2>/dev/null </dev/null)
  case $usual:$left in
    *[!0-9:-]* | :* | -* | *:) usual='' ;;
    *:-*) return 0 ;; # it would have ended by now
  esac
  [ -z "$usual" ] || guard_try fail2ban-client set "$jail" bantime "$left" </dev/null
  guard_try fail2ban-client set "$jail" banip "$element" </dev/null ||
    guard_try fail2ban-client set "$jail" banip "$element" </dev/null
  [ -z "$usual" ] || guard_try fail2ban-client set "$jail" bantime "$usual" </dev/null
}

# Whoever was banned while the remedy was under way has lost the rule to the snapshot: the jail makes it anew.
guard_agree_books() {
  local what jail element ends
  [ -s "$state/books" ] && guard_fail2ban || return 0
  guard_books "$state/books.now"
  while read -r what jail element ends; do
    [ "$what" = bans ] && ! cut -d ' ' -f 1-3 "$state/books" | grep -qxF -- "$what $jail $element" || continue
    [ "${ends:-0}" = 0 ] || [ "$ends" -gt "$(($(date +%s) + 5))" ] || continue # it ends by itself
    guard_try fail2ban-client set "$jail" unbanip "$element" </dev/null
    guard_ban_again
  done <"$state/books.now"
}

