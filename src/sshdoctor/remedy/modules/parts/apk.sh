# apk. Source: apk(8): --wait is in seconds.

apk_get() { env -u SSHDOCTOR_RUN LC_ALL=C apk --no-progress --wait "$lock_timeout" "$@" >"$work/out" 2>&1 </dev/null; }

apk_has() { apk info -e "$1" >/dev/null 2>&1; }
apk_newer() { apk version -l '<' "$1" 2>/dev/null | grep -q '<'; }

apk_inverse() {
  verb=$([ "$1" = absent ] && echo del || echo add)
  shift
  inverse apk "$verb" "$@"
}

apk_apply() {
  case $1 in
    present) verb=add ;;
    latest) verb='add --upgrade' ;;
    absent) verb=del ;;
  esac
  shift
  journal "apk $verb $*"
  # shellcheck disable=SC2086 # two words
  apk_get $verb "$@" && return 0
  case $verb in
    add*)
      apk_get update || fail "no package source can be reached: $(grep -m 1 'WARNING\|ERROR' "$work/out"); mend /etc/apk/repositories or the network"
      # shellcheck disable=SC2086
      apk_get $verb "$@" && return 0
      ;;
  esac
  ! grep -q 'no such package' "$work/out" || fail "no package source has $*: mend /etc/apk/repositories"
  ! grep -qi 'lock' "$work/out" || fail "the package manager is locked for more than $lock_timeout s: $(grep -i -m 1 lock "$work/out")"
  fail "apk failed: $(tail -n 3 "$work/out")"
}
