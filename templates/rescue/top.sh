# From here to its last line it may be pasted into a shell as well.
# shellcheck disable=SC3041,SC2016  # bash alone has H set; what is in quotes is for the next shell to expand
case $- in *H*) set +H ;; esac
[ -z "${ZSH_VERSION-}" ] || setopt no_bang_hist interactive_comments
