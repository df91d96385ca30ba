lock_timeout=$arg_lock_timeout
for dnf in dnf yum none; do
  ! command -v "$dnf" >/dev/null || break
done
[ "$dnf" != none ] || fail "this host has no dnf: use the module package"
if [ -n "$arg_update_cache" ] && [ -z "$check" ]; then
  dnf_get_locked makecache || dnf_explain
fi
case $arg_state in
  installed) arg_state=present ;;
  removed) arg_state=absent ;;
esac
eval "set -- $arg_name"
[ $# = 0 ] || dnf_apply "$arg_state" "$@"
