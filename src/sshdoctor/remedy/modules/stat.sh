whole_path "$arg_path" && path=$whole
if ! [ -e "$path" ] && { [ -n "$arg_follow" ] || ! [ -L "$path" ]; }; then
  give stat.exists false
  exit 0
fi

yes_if() { # yes_if KEY COMMAND...
  key=$1 && shift
  if "$@"; then give "stat.$key" true; else give "stat.$key" false; fi
}
# shellcheck disable=SC2317 # yes_if calls it
not_link() { [ -z "$link" ] && [ "$@" ]; }
look() { if [ -n "$arg_follow" ]; then stat -L -c "$1" "$path"; else stat -c "$1" "$path"; fi; }
# shellcheck disable=SC2317 # so here
any_bit() { [ "$((0$mode & $1))" != 0 ]; }

seen=$(look '%a %u %g %s %i %h %X %Y %Z') || fail "$path cannot be looked at"
# shellcheck disable=SC2086 # nine words
set -- $seen
mode=$1
link= && [ -z "$arg_follow" ] && [ -L "$path" ] && link=1
give stat.exists true
give stat.path "$arg_path"
give stat.mode "$(printf '%04o' "0$mode")"
give stat.uid "$2" && give stat.gid "$3" && give stat.size "$4" && give stat.inode "$5" && give stat.nlink "$6"
give stat.atime "$7" && give stat.mtime "$8" && give stat.ctime "$9"
yes_if islnk [ -n "$link" ]
yes_if isreg not_link -f "$path"
yes_if isdir not_link -d "$path"
yes_if issock not_link -S "$path"
yes_if isfifo not_link -p "$path"
yes_if ischr not_link -c "$path"
yes_if isblk not_link -b "$path"
yes_if isuid any_bit 04000
yes_if isgid any_bit 02000
yes_if rusr any_bit 0400 && yes_if wusr any_bit 0200 && yes_if xusr any_bit 0100
yes_if rgrp any_bit 0040 && yes_if wgrp any_bit 0020 && yes_if xgrp any_bit 0010
yes_if roth any_bit 0004 && yes_if woth any_bit 0002 && yes_if xoth any_bit 0001
yes_if readable [ -r "$path" ]
yes_if writeable [ -w "$path" ]
yes_if executable [ -x "$path" ]
for letter in U G; do
  name=$(look "%$letter")
  case $letter$name in U | G | ?UNKNOWN) ;; U*) give stat.pw_name "$name" ;; G*) give stat.gr_name "$name" ;; esac
done
if [ -n "$link" ]; then
  give stat.lnk_source "$(readlink -f "$path" 2>/dev/null || echo "$path")"
  give stat.lnk_target "$(readlink "$path")"
elif [ -f "$path" ] && [ -r "$path" ] && [ -n "$arg_get_checksum" ]; then
  sum=$(sha1sum <"$path") && give stat.checksum "${sum%% *}"
fi
