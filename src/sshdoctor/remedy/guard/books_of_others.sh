# ---- CrowdSec: its bouncer makes the rules of the decisions, and unmakes them

guard_crowdsec_book() {
  local now
  guard_has cscli || return 0
  now=$(date +%s)
  # id,source,SCOPE:VALUE,reason,action,country,as,events,expiration,simulated,alert
  timeout -s KILL 20 cscli decisions list --limit 0 -o raw 2>/dev/null </dev/null | awk -v now="$now" '
    match($0, /,(Ip|Range):[0-9a-fA-F.:\/]+,/) && /,ban,/ {
      what = substr($0, RSTART + 1, RLENGTH - 2)
      scope = what; sub(/:.*/, "", scope); sub(/^[A-Za-z]*:/, "", what)
      reason = substr($0, RSTART + RLENGTH); sub(/,ban,.*/, "", reason); gsub(/[^A-Za-z0-9 .:\/_-]/, "", reason)
      if (!match($0, /,[0-9hms.]+,(true|false),[0-9]+$/)) next
      left = substr($0, RSTART + 1); sub(/,.*/, "", left)
      seconds = 0
      while (match(left, /^[0-9.]+(h|ms|m|s)/)) {
        part = substr(left, 1, RLENGTH); left = substr(left, RLENGTH + 1)
        unit = part; sub(/^[0-9.]+/, "", unit)
        seconds += part * (unit == "h" ? 3600 : unit == "m" ? 60 : unit == "s" ? 1 : 0)
      }
      printf "decides %s %s %d %s\n", tolower(scope), what, now + seconds, reason
    }'
  :
}

guard_put_crowdsec() {
  local what scope element ends reason
  guard_ours decides | while read -r what scope element ends reason; do
    ! guard_ended "$ends" && ! guard_in books.now "$what $scope $element" || continue
    guard_try cscli decisions add "--$scope" "$element" --duration "$((ends - $(date +%s)))s" --type ban \
      --reason "${reason:-given back}" </dev/null || guard_not_given "CrowdSec's ban of $element"
  done
}

# ---- sshguard: what it blocks is in its memory, until when in its log

guard_sshguard_book() {
  local run
  guard_systemd && guard_has journalctl || return 0
  run=$(systemctl show --property=InvocationID --value sshguard.service 2>/dev/null </dev/null)
  [ -n "$run" ] && systemctl is-active --quiet sshguard.service || return 0
  journalctl --quiet --output=short-unix _SYSTEMD_INVOCATION_ID="$run" _UID=0 2>/dev/null </dev/null |
    sed -n 's/^\([0-9]*\)[.0-9]* .* Blocking "\([0-9a-fA-F.:]*\)\/[0-9]*" for \([0-9]*\) secs .*/\1 \2 \3/p' |
    awk -v now="$(date +%s)" '{ ends[$2] = $1 + $3 }
      END { for (each in ends) if (ends[each] > now) print "blocks sshguard", each, ends[each] }'
  :
}

guard_agree_sshguard() {
  local what list element ends
  sed -n '/^blocks /p' "$state/books.now" | while read -r what list element ends; do
    if guard_is_to_block "$element" "$what $list $element"; then
      guard_block_again "$element" || guard_not_given "sshguard's block of $element"
    fi
  done
  guard_missing blocks books books.now | while read -r what list element ends; do
    guard_lift sshguard "$element" sshguard4 sshguard6 'ip sshguard attackers' 'ip6 sshguard attackers'
  done
}

# guard_is_to_block ELEMENT LINE: an undo gives back what the remedy itself has lifted; a restore also what was blocked
# since, and is in no snapshot.
guard_is_to_block() {
  if [ -e "$state/left" ]; then
    guard_dump_has before "$1" && ! guard_dump_has after "$1"
  else
    ! guard_in books "$2" || guard_dump_has before "$1"
  fi
}

guard_dump_has() { grep -qswF -- "$2" "$state/$1"/*; }

guard_block_again() {
  local six='' ip=iptables family=ip
  case $1 in *:*) six=6 ip=ip6tables family=ip6 ;; esac
  if guard_has nft && nft list set $family sshguard attackers >/dev/null 2>&1 </dev/null; then
    guard_try nft add element $family sshguard attackers "{ $1 }" </dev/null
  elif guard_has ipset && ipset list "sshguard${six:-4}" >/dev/null 2>&1 </dev/null; then
    guard_try ipset -exist add "sshguard${six:-4}" "$1" </dev/null
  elif $ip -S sshguard >/dev/null 2>&1 </dev/null; then
    $ip -C sshguard -s "$1" -j DROP 2>/dev/null </dev/null || guard_try $ip -A sshguard -s "$1" -j DROP </dev/null
  else
    echo 'none of its sets and chains is there' >"$state/said"
    return 1
  fi
}
