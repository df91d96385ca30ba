# ---- The owners' own books: who bans must know of each ban that its rules carry out, and of no other
#
# Files that are books (ufw, firewalld, csf, denyhosts, sshguard's allow-list) are kept with the others, and Shorewall's
# dynamic blacklist is a chain of rules. fail2ban's list lives in its server, CrowdSec's in its database, sshguard's in
# its memory. Their bans end, so what is given back ends when it would have ended. A line of a book:
#   bans JAIL ELEMENT ENDS    ignores JAIL ELEMENT                       fail2ban
#   decides SCOPE ELEMENT ENDS REASON                                    CrowdSec
#   blocks sshguard ELEMENT ENDS                                         sshguard
# ENDS is in seconds since 1970.

# guard_books FILE
guard_books() {
  { : >"$1"; } 2>/dev/null || return 1
  { guard_fail2ban_book && guard_crowdsec_book && guard_sshguard_book; } >>"$1" 2>/dev/null
  :
}

# guard_ours OWNER-WORD: the lines of what the remedy itself took out of a book; all of it where it did not come so far.
guard_ours() {
  if [ -e "$state/books.after" ]; then
    guard_missing "$1" books books.after
  else
    sed -n "/^$1 /p" "$state/books"
  fi
}

# guard_missing WORD BOOK OTHER: the lines of a book that the other has not, whenever they end.
guard_missing() {
  local what list element rest
  sed -n "/^$1 /p" "$state/$2" | while read -r what list element rest; do
    guard_in "$3" "$what $list $element" || echo "$what $list $element $rest"
  done
}

guard_in() { cut -d ' ' -f 1-3 "$state/$1" | grep -qxF -- "$2"; }

# guard_not_given WORDS: an owner's tool would not; who undoes is told.
guard_not_given() {
  { echo "$*: $(head -n 1 "$state/said" 2>/dev/null)" >>"$state/not-given"; } 2>/dev/null || :
}

# Before the rules go back for the last time: a second rule that an owner makes for a ban goes with that.
guard_put_books() {
  [ -s "$state/books" ] || return 0
  rm -f "$state/not-given"
  guard_books "$state/books.now"
  guard_put_fail2ban
  guard_put_crowdsec
}

# After that: who was banned since has lost the rule to the snapshot; whose ban has ended since has it back.
guard_agree_books() {
  [ -e "$state/books" ] || return 0
  guard_books "$state/books.now"
  guard_agree_fail2ban
  guard_agree_sshguard
}

guard_ended() { [ "${1:-0}" -gt 0 ] && [ "$1" -le "$(date +%s)" ]; }

# guard_lift CHAIN ELEMENT SET...: out of a chain of iptables, and out of sets of ipset and ("FAMILY TABLE SET") of nft.
guard_lift() {
  local chain="$1" element="$2" tool rule set
  shift 2
  for tool in iptables ip6tables; do
    guard_has $tool || continue
    $tool -S "$chain" 2>/dev/null </dev/null | grep -F -- " -s $element" |
      grep -E -- " -s [0-9a-fA-F.:]+(/[0-9]+)? " | while read -r rule; do
      # shellcheck disable=SC2086
      case "$rule " in *" -s $element "* | *" -s $element/32 "* | *" -s $element/128 "*)
        (set -f && eval "guard_try $tool -D ${rule#-A }" </dev/null) ;;
      esac
    done
  done
  for set; do
    # shellcheck disable=SC2086
    case $set in
      *' '*) nft delete element $set "{ $element }" 2>/dev/null </dev/null ;;
      *) ! guard_has ipset || ipset del "$set" "$element" 2>/dev/null </dev/null ;;
    esac
  done
  :
}

# ---- fail2ban

guard_fail2ban() { [ -S /run/fail2ban/fail2ban.sock ] && guard_has fail2ban-client; }

# It reads its files again, if it runs; its bans it keeps in a database. Its book is asked for after this.
guard_put_fail2ban_server() {
  guard_fail2ban || return 0
  if guard_systemd; then
    guard_try systemctl try-restart fail2ban.service </dev/null
  else
    guard_try fail2ban-client restart </dev/null
  fi
  for _ in 1 2 3 4 5 6 7 8; do
    ! fail2ban-client ping >/dev/null 2>&1 </dev/null || return 0
    sleep 1
  done
}

guard_fail2ban_book() {
  local jail
  guard_fail2ban || return 0
  for jail in $(fail2ban-client status 2>/dev/null </dev/null | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ,); do
    fail2ban-client get "$jail" banip --with-time 2>/dev/null </dev/null |
      sed -n "s/^\([0-9a-fA-F.:/]*\)[[:space:]].* = \([-0-9]* [0-9:]*\)\$/\1 \2/p" |
      while read -r element ends; do
        echo "bans $jail $element $(date -d "$ends" +%s 2>/dev/null || echo 0)"
      done
    fail2ban-client get "$jail" ignoreip 2>/dev/null </dev/null | sed -n "s/^[|\`]- /ignores $jail /p"
  done
  :
}

guard_put_fail2ban() {
  local what jail element ends
  guard_fail2ban || return 0
  guard_ours bans | while read -r what jail element ends; do
    guard_in books.now "$what $jail $element" || guard_ban_again "$jail" "$element" "$ends" ||
      guard_not_given "fail2ban's ban of $element in $jail"
  done
  guard_ours ignores | while read -r what jail element ends; do
    guard_in books.now "$what $jail $element" || guard_try fail2ban-client set "$jail" addignoreip "$element" </dev/null
  done
  guard_missing ignores books.now books | while read -r what jail element ends; do
    [ ! -e "$state/books.after" ] || guard_in books.after "$what $jail $element" || continue
    guard_try fail2ban-client set "$jail" delignoreip "$element" </dev/null
  done
}

# guard_ban_again JAIL ELEMENT ENDS: for as long as was left of it; where its end could not be read, for as long as the
# jail bans.
guard_ban_again() {
  local usual left status=0
  left=$((${3:-0} - $(date +%s)))
  [ "${3:-0}" != 0 ] || left=''
  usual=$(fail2ban-client get "$1" bantime 2>/dev/null </dev/null)
  case $usual:$left in
    *[!0-9:-]* | :* | -* | *:) usual='' ;;
    *:-*) return 0 ;; # it would have ended by now
  esac
  [ -z "$usual" ] || guard_try fail2ban-client set "$1" bantime "$left" </dev/null
  guard_try fail2ban-client set "$1" banip "$2" </dev/null ||
    guard_try fail2ban-client set "$1" banip "$2" </dev/null || status=1
  [ -z "$usual" ] || guard_try fail2ban-client set "$1" bantime "$usual" </dev/null
  return $status
}

guard_agree_fail2ban() {
  local what jail element ends
  guard_fail2ban || return 0
  guard_missing bans books.now books | while read -r what jail element ends; do
    [ "${ends:-0}" = 0 ] || [ "$ends" -gt "$(($(date +%s) + 5))" ] || continue # it ends by itself
    guard_try fail2ban-client set "$jail" unbanip "$element" </dev/null
    guard_ban_again "$jail" "$element" "$ends"
  done
  guard_missing bans books books.now | while read -r what jail element ends; do
    ! guard_ended "$ends" || guard_lift "f2b-$jail" "$element" "f2b-$jail" "f2b-${jail}6" \
      "inet f2b-table addr-set-$jail" "inet f2b-table addr6-set-$jail"
  done
}
