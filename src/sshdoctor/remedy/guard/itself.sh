# ---- On its own

case $0 in
  guard.sh | */guard.sh)
    PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
    LC_ALL=C
    export PATH LC_ALL
    umask 077
    case $0 in */*) cd "${0%/*}" || exit 1 ;; esac
    state=$(pwd) && cd / || exit 1
    case ${1-} in
      wait | boot | confirm | restore | status) "guard_$1" ;;
      undo) guard_undo_this ;;
      back) guard_quarantine_back "$2" ;;
      thaw) guard_thaw "$2" "$3" ;;
      open) guard_reopen "$2" "$3" ;;
      *) echo "usage: sh $0 confirm|restore|undo|status" >&2 && exit 2 ;;
    esac
    ;;
esac
