# zypper. Source: zypper(8): 7 is a lock, 104 an unknown name, 106 a source that was left out; ZYPP_LOCK_TIMEOUT
# is in seconds.

zypper_get() {
  env -u SSHDOCTOR_RUN LC_ALL=C ZYPP_LOCK_TIMEOUT="$lock_timeout" ZYPP_MEDIA_CURL_CONNECT_TIMEOUT=15 \
    zypper --non-interactive "$@" >"$work/out" 2>&1 </dev/null
}

zypper_has() { rpm_has "$1"; }
zypper_newer() { zypper_get list-updates && grep -q "| $1 *|" "$work/out"; }

zypper_inverse() {
  verb=$([ "$1" = absent ] && echo remove || echo install)
  shift
  inverse zypper --non-interactive "$verb" "$@"
}

zypper_done() {
  wanted=$1
  shift
  for name do
    if [ "$wanted" = remove ]; then
      ! zypper_has "$name" || return 1
    else
      zypper_has "$name" || return 1
    fi
  done
}

zypper_apply() {
  verb=$([ "$1" = absent ] && echo remove || echo install)
  shift
  journal "zypper $verb $*"
  status=0
  zypper_get "$verb" "$@" || status=$?
  zypper_done "$verb" "$@" && return 0 # also where its own cache could not be written afterwards
  where="mend /etc/zypp/repos.d or the network"
  unreachable=$(grep -m 1 "Curl error\|Connection failed\|Could not resolve\|Can't provide\|Unable to retrieve" "$work/out")
  case $status in
    0) return 0 ;;
    7) fail "the package manager is locked by $(grep -m 1 'pid' "$work/out" || echo another program) for more than $lock_timeout s" ;;
  esac
  [ -z "$unreachable" ] || fail "no package source can be reached: $unreachable; $where"
  [ "$status" != 104 ] || fail "no package source has $*: $where"
  fail "zypper failed ($status): $(tail -n 3 "$work/out")"
}
