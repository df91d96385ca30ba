# dnf, and yum before it. Source: dnf(8), dnf.conf(5), yum.conf(5), rpm(8).
# dnf: the program; lock_timeout: how many seconds a locked package manager is waited for.

# dnf_get ARGUMENT...: what it says is in $work/out. A lock ends it (200), and what is not in the way of a
# removal stays, as with Ansible.
dnf_get() {
  env -u SSHDOCTOR_RUN LC_ALL=C "$dnf" --setopt=timeout=15 --setopt=retries=1 --setopt=exit_on_lock=1 \
    --setopt=clean_requirements_on_remove=0 "$@" >"$work/out" 2>&1 </dev/null
}

dnf_get_locked() {
  journal "$dnf $*"
  give_up=$(($(uptime_seconds) + lock_timeout))
  while guard_touch 900; do
    status=0
    dnf_get -y "$@" || status=$?
    [ "$status" != 0 ] || return 0
    [ "$status" = 200 ] || grep -q 'transaction lock on\|Failed to obtain lock' "$work/out" || return 1
    [ "$(uptime_seconds)" -lt "$give_up" ] ||
      fail "the package manager is locked by $(dnf_holder) for more than $lock_timeout s: wait for it, or end it"
    sleep 1
  done
}

# dnf and yum write their pid in files, rpm locks one.
dnf_holder() {
  for file in /var/lib/dnf/*_lock.pid /var/cache/dnf/*_lock.pid /var/log/*_lock.pid /run/yum.pid /var/run/yum.pid; do
    pid=$(cat "$file" 2>/dev/null) && [ -d "/proc/$pid" ] && process_name "$pid" && return 0
  done
  lock_holder /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock
}

dnf_explain() {
  unreachable=$(grep -i -m 1 'Curl error\|Could not resolve host\|Cannot download repomd' "$work/out" | sed 's/^ *- *//')
  unknown=$(sed -n 's/.*Unable to find a match: *//p; s/^No match for argument: *//p; s/^No package \(.*\) available\./\1/p' "$work/out" | head -n 1)
  where="mend /etc/yum.repos.d or the network"
  if [ -n "$unreachable" ]; then
    fail "no package source can be reached: $unreachable; $where"
  elif [ -n "$unknown" ]; then
    fail "no package source has $unknown: $where"
  elif grep -q 'no enabled repositories\|no enabled repos' "$work/out"; then
    fail "no package source is enabled: $where"
  fi
  fail "$dnf failed: $(grep '^Error' "$work/out" | head -n 3 || tail -n 3 "$work/out")"
}

rpm_has() { rpm -q "$1" >/dev/null 2>&1 || rpm -q --whatprovides "$1" >/dev/null 2>&1; }

# dnf_newer NAME: is there a newer one? (check-update: 100 if so)
dnf_newer() {
  status=0
  dnf_get -q check-update "$1" || status=$?
  case $status in
    0) return 1 ;;
    100) return 0 ;;
    *) dnf_explain ;;
  esac
}

# dnf_apply present|latest|absent NAME...
dnf_apply() {
  wanted=$1
  shift
  if [ "$wanted" = latest ]; then
    dnf_apply present "$@"
    wanted=latest
  fi
  for name do
    shift
    case $wanted in
      present) ! rpm_has "$name" || continue ;;
      absent) rpm_has "$name" || continue ;;
      latest)
        rpm_has "$name" || continue
        dnf_newer "$name" || continue
        ;;
    esac
    set -- "$@" "$name"
  done
  [ $# != 0 ] || return 0
  # With --assumeno a transaction ends with "Operation aborted", and a fault as it would end.
  verb=$(case $wanted in present) echo install ;; latest) echo upgrade ;; absent) echo remove ;; esac)
  if [ -n "$check" ] && ! dnf_get --assumeno "$verb" "$@"; then
    grep -q '^Operation aborted\|^Exiting on user command' "$work/out" || dnf_explain
  fi
  rpm -q "$@" >"$work/before" 2>/dev/null
  sed -i '/is not installed/d' "$work/before"
  case $wanted in
    absent) : >"$work/after" ;;
    *) printf '%s\n' "$@" >"$work/after" ;;
  esac
  show_diff packages "$work/before" "$work/after"
  would || return 0
  case $verb in
    install) inverse "$dnf" -y --setopt=exit_on_lock=1 remove "$@" ;;
    remove) inverse "$dnf" -y --setopt=exit_on_lock=1 install "$@" ;;
  esac
  dnf_get_locked "$verb" "$@" || dnf_explain
}
