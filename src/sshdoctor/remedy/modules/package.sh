# The database says which manager the host's packages belong to: a Debian may have dnf as well.
package_manager() {
  [ ! -s /var/lib/dpkg/status ] || ! command -v apt-get >/dev/null || { echo apt && return; }
  for program in dnf yum zypper apk pacman; do
    ! command -v "$program" >/dev/null || { echo "$program" && return; }
  done
}

# package_each MANAGER present|latest|absent NAME...: for managers that say themselves what is to be done.
package_each() {
  manager=$1 wanted=$2
  shift 2
  for name do
    shift
    case $wanted in
      present) ! "${manager}_has" "$name" || continue ;;
      latest) ! "${manager}_has" "$name" || "${manager}_newer" "$name" || continue ;;
      absent) "${manager}_has" "$name" || continue ;;
    esac
    set -- "$@" "$name"
  done
  [ $# != 0 ] || return 0
  note_diff packages "$([ "$wanted" = present ] || echo "$*")" "$([ "$wanted" = absent ] || echo "$*")"
  would || return 0
  case $wanted in
    present) "${manager}_inverse" absent "$@" ;;
    absent) "${manager}_inverse" present "$@" ;;
  esac
  guard_touch 900
  "${manager}_apply" "$wanted" "$@"
}

lock_timeout=120
recommends=
update_lists=if-missing
eval "set -- $arg_name"
case $(package_manager) in
  apt) apt_apply "$arg_state" "$@" ;;
  dnf) dnf=dnf && dnf_apply "$arg_state" "$@" ;;
  yum) dnf=yum && dnf_apply "$arg_state" "$@" ;;
  zypper) package_each zypper "$arg_state" "$@" ;;
  apk) package_each apk "$arg_state" "$@" ;;
  pacman) package_each pacman "$arg_state" "$@" ;;
  *) fail "this host has no package manager that is known here (apt, dnf, yum, zypper, apk, pacman)" ;;
esac
