lock_timeout=$arg_lock_timeout
recommends=
[ -z "${arg_install_recommends+set}" ] || recommends=$([ -n "$arg_install_recommends" ] && echo true || echo false)

apt_lists_age() {
  for stamp in /var/lib/apt/periodic/update-success-stamp /var/lib/apt/lists; do
    made=$(stat -c %Y "$stamp" 2>/dev/null) && echo $(($(date +%s) - made))
  done | sort -n | head -n 1
}

update_lists=never
if [ -n "$arg_update_cache" ] || [ "$arg_cache_valid_time" != 0 ]; then
  age=$(apt_lists_age)
  [ "${age:-0}" -lt "$arg_cache_valid_time" ] || update_lists=always
fi

command -v apt-get >/dev/null || fail "this host has no apt-get: use the module package"
eval "set -- $arg_name"
if [ $# = 0 ] && [ "$arg_state" != fixed ]; then
  if [ "$update_lists" = always ] && would; then
    apt_update
    [ ! -e "$work/unreachable" ] || apt_explain
  fi
else
  apt_apply "$arg_state" "$@"
fi
