# Debian's packages. Source: apt-get(8), apt.conf(5), dpkg-query(1), ucf(1), needrestart(1).
# lock_timeout: how many seconds a locked package manager is waited for.

# apt_get ARGUMENT...: apt-get asks nothing, keeps configuration files as they are, and gives a mirror that
# does not answer 15 seconds, twice. What it says is in $work/out. needrestart would restart other services.
apt_get() {
  env -u SSHDOCTOR_RUN LC_ALL=C DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 \
    APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l \
    apt-get -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o Acquire::Retries=1 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 \
    ${recommends:+-o "APT::Install-Recommends=$recommends"} "$@" >"$work/out" 2>&1 </dev/null
}

# The same for what takes locks: those of dpkg, of the lists and of the archives. apt's own waiting
# (DPkg::Lock::Timeout) knows only the first.
apt_get_locked() {
  journal "apt-get $*"
  give_up=$(($(uptime_seconds) + lock_timeout))
  while guard_touch 900 && ! apt_get -o "DPkg::Lock::Timeout=$lock_timeout" "$@"; do
    grep -q '^E: \(Could not get lock\|Unable to lock\|Unable to acquire\)' "$work/out" || return 1
    if [ "$(uptime_seconds)" -ge "$give_up" ]; then
      fail "the package manager is locked by $(lock_holder /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock \
        /var/lib/apt/lists/lock /var/cache/apt/archives/lock) for more than $lock_timeout s: wait for it, or end it"
    fi
    sleep 1
  done
}

# Fails with what apt-get's last words mean.
apt_explain() {
  where="mend /etc/apt/sources.list, /etc/apt/sources.list.d or the network"
  unreachable=$(cat "$work/unreachable" 2>/dev/null || apt_unreachable)
  unknown=$(sed -n "s/^E: Unable to locate package //p; s/^E: Package '\(.*\)' has no installation candidate/\1/p; s/^E: Version .* for '\(.*\)' was not found/this version of \1/p" "$work/out" | head -n 1)
  if [ -n "$unreachable" ]; then
    fail "no package source can be reached: $unreachable; $where"
  elif [ -n "$unknown" ]; then
    fail "no package source has $unknown: are the lists old (apt-get update)? Else $where"
  elif grep -q 'dpkg was interrupted' "$work/out"; then
    fail "dpkg was interrupted: run 'dpkg --configure -a' first"
  fi
  fail "apt-get failed: $(grep '^E: ' "$work/out" | head -n 3 || tail -n 3 "$work/out")"
}

apt_unreachable() {
  sed -n 's/^[EW]: Failed to fetch //p' "$work/out" | sed 's/  */ /g' | head -n 1
}

# A source that fails does not matter as long as the others have the package: it is remembered.
apt_update() {
  apt_get_locked update || apt_explain
  found=$(apt_unreachable)
  [ -z "$found" ] || echo "$found" >"$work/unreachable"
}

# dpkg_has NAME[=VERSION]: installed, and configured; VERSION may have wildcards.
dpkg_has() {
  version='*'
  case $1 in *=*) version=${1#*=} ;; esac
  # shellcheck disable=SC2016 # dpkg-query's own variables
  for line in $(dpkg-query -W -f '${db:Status-Status}|${Version}\n' "${1%%=*}" 2>/dev/null); do
    # shellcheck disable=SC2254 # a pattern
    case $line in installed\|$version) return 0 ;; esac
  done
  return 1
}

# apt_plan VERB NAME...: what apt-get would do, in $work/plan; true if that is anything. Where the lists
# would be fetched first (--check), a name that they do not have yet is taken for one that will be there.
apt_plan() {
  if ! apt_get -s "$@"; then
    case $check,$update_lists in
      1,always | 1,if-missing) grep -q '^E: Unable to locate package' "$work/out" || apt_explain ;;
      *) apt_explain ;;
    esac
    shift
    printf 'Inst %s\n' "$@" >>"$work/out"
  fi
  grep '^\(Inst\|Remv\|Conf\) ' "$work/out" >"$work/plan"
}

# The plan as two lists: Inst NAME [OLD] (NEW ...), Remv NAME [OLD], Conf NAME (NEW ...).
apt_diff() {
  awk '
    function clean(word) { gsub(/[][()]/, "", word); return word }
    $1 == "Inst" && $3 ~ /^\[/ { print "-", $2, clean($3); print "+", $2, clean($4) }
    $1 == "Inst" && $3 !~ /^\[/ { print "+", $2, clean($3) }
    $1 == "Inst" { seen[$2] = 1 }
    $1 == "Remv" { print "-", $2, clean($3) }
    $1 == "Conf" && !($2 in seen) { print "-", $2, "not configured"; print "+", $2, "configured" }
  ' "$work/plan" >"$work/lines"
  sed -n 's/^- //p' "$work/lines" >"$work/before"
  sed -n 's/^+ //p' "$work/lines" >"$work/after"
  show_diff packages "$work/before" "$work/after"
}

# apt_apply present|latest|absent|fixed NAME...
apt_apply() {
  wanted=$1
  verb=install
  shift
  for name do
    shift
    case $wanted in
      present) ! dpkg_has "$name" || continue ;;
      absent) dpkg_has "${name%%=*}" || continue ;;
    esac
    set -- "$@" "$name"
  done
  case $wanted,$# in
    fixed,*) set -- -f install "$@" ;;
    *,0) return 0 ;;
    absent,*) verb=remove ;;
  esac
  [ "$wanted" = fixed ] || set -- "$verb" "$@"
  apt_lists "$@"
  apt_plan "$@" || return 0
  apt_diff
  would || return 0
  apt_inverse "$verb"
  apt_get_locked "$@" || apt_explain
}

# The lists are fetched where that is asked for, and not for what is to go.
apt_lists() {
  case $update_lists,$verb,$check in
    always,install,) apt_update ;;
    if-missing,install,) apt_get -s "$@" || apt_update ;;
  esac
}

# What was not there before goes again, with its configuration if it had left none; what goes comes back from the
# archives or the network, if it can.
apt_inverse() {
  if [ "$1" != install ]; then
    apt_undo install "$(sed -n 's/^Remv \([^ ]*\) .*/\1/p' "$work/plan")"
    return
  fi
  purge='' remove='' new=$(sed -n 's/^Inst \([^ ]*\) (.*/\1/p' "$work/plan")
  for name in $new; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) in
      '' | not-installed) purge="$purge $name" ;;
      *) remove="$remove $name" ;;
    esac
  done
  apt_undo remove "$remove"
  apt_undo purge "$purge"
}

apt_undo() { # apt_undo VERB NAMES
  # shellcheck disable=SC2086 # names of packages
  set -- "$1" $2
  [ $# != 1 ] || return 0
  inverse env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=60 \
    -o Dpkg::Options::=--force-confold "$@"
}
