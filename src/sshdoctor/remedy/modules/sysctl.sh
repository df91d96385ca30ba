# The kernel's file: dots and slashes change places (net.ipv4.conf.eth0/1.forwarding).
parameter=/proc/sys/$(printf %s "$arg_name" | tr ./ /.)
one_space() { printf '%s' "$*" | tr -s ' \t' ' ' | sed 's/^ //; s/ $//'; }
wanted=$(one_space "${arg_value-}")

# The file as it should be: the parameter stands there once, where it stood first, or at the end.
rewritten() {
  NAME=$arg_name VALUE=$wanted STATE=$arg_state awk '
    function key(line) {
      if (line ~ /^[ \t]*[#;]/ || line !~ /=/) return ""
      sub(/=.*/, "", line)
      gsub(/^[ \t]*-?|[ \t]+$/, "", line)
      return line
    }
    function value(line) {
      sub(/^[^=]*=/, "", line)
      gsub(/[ \t]+/, " ", line)
      gsub(/^ | $/, "", line)
      return line
    }
    key($0) != ENVIRON["NAME"] { print; next }
    ENVIRON["STATE"] == "absent" || done { next }
    { done = 1; print (value($0) == ENVIRON["VALUE"] ? $0 : ENVIRON["NAME"] "=" ENVIRON["VALUE"]) }
    END { if (!done && ENVIRON["STATE"] == "present") print ENVIRON["NAME"] "=" ENVIRON["VALUE"] }
  ' "$1"
}

was=$work/sysctl.before will=$work/sysctl.after
cat "$arg_sysctl_file" 2>/dev/null >"$was"
rewritten "$was" >"$will"
if ! cmp -s "$was" "$will"; then
  show_diff "$arg_sysctl_file" "$was" "$will"
  ! would || install_file "$will" "$arg_sysctl_file"
fi

if [ "$arg_state" = present ] && [ -n "$arg_reload$arg_sysctl_set" ]; then
  [ -e "$parameter" ] || fail "this kernel has no parameter $arg_name"
  now=$(one_space "$(cat "$parameter")")
  if [ "$now" != "$wanted" ]; then
    note_diff "$parameter" "$now" "$wanted"
    if would; then
      # shellcheck disable=SC2016 # the words of the inner shell
      write='printf "%s\n" "$1" >"$2"'
      inverse sh -c "$write" sh "$now" "$parameter"
      run sh -c "$write" sh "$wanted" "$parameter"
    fi
  fi
fi
