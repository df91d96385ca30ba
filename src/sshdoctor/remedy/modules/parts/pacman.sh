# pacman. Source: pacman(8). Its lock is the file db.lck, which names nobody and outlives a killed pacman.

pacman_get() { env -u SSHDOCTOR_RUN LC_ALL=C pacman --noconfirm "$@" >"$work/out" 2>&1 </dev/null; }

pacman_has() { pacman -Q "$1" >/dev/null 2>&1; }
pacman_newer() { pacman -Qu "$1" >/dev/null 2>&1; }

pacman_inverse() {
  flag=$([ "$1" = absent ] && echo -R || echo -S)
  shift
  inverse pacman --noconfirm "$flag" "$@"
}

pacman_get_locked() {
  journal "pacman $*"
  give_up=$(($(uptime_seconds) + lock_timeout))
  until pacman_get "$@"; do
    grep -q 'unable to lock database' "$work/out" || return 1
    [ "$(uptime_seconds)" -lt "$give_up" ] ||
      fail "/var/lib/pacman/db.lck has been there for more than $lock_timeout s: if no pacman runs, remove it"
    sleep 1
  done
}

pacman_apply() {
  case $1 in
    absent) flag=-R ;;
    *) flag='-S --needed' ;;
  esac
  shift
  # shellcheck disable=SC2086 # two words
  pacman_get_locked $flag "$@" && return 0
  if [ "$flag" != -R ]; then
    pacman_get_locked -Sy || fail "no package source can be reached: $(grep -m 1 '^error' "$work/out"); mend /etc/pacman.d/mirrorlist or the network"
    # shellcheck disable=SC2086
    pacman_get_locked $flag "$@" && return 0
  fi
  ! grep -q 'target not found' "$work/out" || fail "no package source has $*: mend /etc/pacman.conf"
  fail "pacman failed: $(grep '^error' "$work/out" | head -n 3)"
}
