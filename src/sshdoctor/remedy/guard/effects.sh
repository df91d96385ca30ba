# ---- What a remedy comes to beside what it was for: what the server would do for every account, and the units
#
# Asked before and after, where a file of the server's has changed, or may be about to.

# guard_effects FILE: "ACCOUNT ADDRESS KEYWORD VALUE" for each account that can log in, and "unit NAME STATE".
guard_effects() {
  { server_effects >"$1"; } 2>/dev/null || :
}

# guard_tell_effects: what is another than it was, a line each, "-" before and "+" after. An account and address for
# which the server could not say it before, or cannot now, is left out.
guard_tell_effects() {
  [ -e "$state/effects" ] || return 0
  guard_effects "$state/effects.after"
  awk 'FNR == NR { was[$0]; knew[$1 " " $2]; next } { is[$0]; knows[$1 " " $2] }
    END {
      for (line in was) { split(line, word, " "); if (!(line in is) && (word[1] " " word[2]) in knows) print "-" line }
      for (line in is) { split(line, word, " "); if (!(line in was) && (word[1] " " word[2]) in knew) print "+" line }
    }' "$state/effects" "$state/effects.after" | sort -k 1.2
}

# guard_tell_units: firewalls and watchers that ran before and do not now, or the other way round.
guard_tell_units() {
  local unit was
  [ -e "$state/units.after" ] && guard_systemd || return 0
  while read -r unit was; do
    case " $server_units " in *" $unit "*) continue ;; esac
    case $was:$(guard_was "$unit" units.after) in
      active:active) ;;
      active:*) echo "-unit $unit active" ;;
      *:active) echo "+unit $unit active" ;;
    esac
  done <"$state/units"
}

