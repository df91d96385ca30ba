# Where the secrets of second factors lie, and who may read them; never what stands in them.
lines=$(cat /etc/pam.d/* /usr/lib/pam.d/* 2>/dev/null | grep -E '^[^#]*pam_(google_authenticator|u2f)')
specs=$(printf '%s\n' "$lines" | sed -n 's/.*[[:space:]]secret=\([^][:space:]]*\).*/\1/p')
specs="$specs ~/.google_authenticator" # whether a code could be asked for, too
place() { stat -L -c 'place=%u %g %a %s %F|%n' -- "$1" 2>/dev/null || {
  stat -c 'place=%u %g %a %s dangling|%n' -- "$1" 2>/dev/null || echo "absent=$1"; }; }
seen=
set -f
listing | while IFS=: read -r name _ _ _ _ home _; do
  for spec in $specs; do
    path=$(printf '%s' "$spec" | sed "s|^~|$home|; s|/~|/$home|g; s|[$]{HOME}|$home|g; s|[$]{USER}|$name|g")
    case $path in /*) ;; *) continue ;; esac
    case $seen in *"|$path|"*) continue ;; esac
    seen="$seen|$path|"
    echo "## secret $path"
    place "$path"
    [ ! -f "$path" ] || sed -n -E -e 's/^" (WINDOW_SIZE [0-9]{1,3})([^0-9].*)?$/word=\1/p' -e t \
      -e 's/^" ([A-Z_]{3,30}[0-9]?)([[:space:]].*)?$/word=\1/p' "$path" 2>/dev/null
    [ ! -f "$path" ] || ! grep -q "$(printf '\r')" "$path" 2>/dev/null || echo word=CR
    folder=${path%/*}
    while [ -n "$folder" ]; do place "$folder"; folder=${folder%/*}; done
  done
  case $lines in *pam_u2f*)
    file=$home/.config/Yubico/u2f_keys
    echo "## users $file"
    if [ -f "$file" ]; then sed -n 's/^\([^:#]*\):.*/|\1/p' "$file"; else echo absent; fi ;;
  esac
done
true
