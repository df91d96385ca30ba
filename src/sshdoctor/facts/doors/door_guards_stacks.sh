# PAM's stacks, each line with its number, and the modules that are there.
echo '## uid'; id -u
echo '## now'; date +%s
echo '## system'; sed -n -E 's/^ID(_LIKE)?=//p' /etc/os-release /usr/lib/os-release 2>/dev/null
echo '## pam'
for file in /usr/lib/pam.d/* /etc/pam.d/*; do
  case $file in /usr/*) [ ! -r "/etc/pam.d/${file##*/}" ] || continue ;; esac
  [ ! -f "$file" ] || [ ! -r "$file" ] || set -- "$@" "$file"
done
[ $# -eq 0 ] || grep -anH '[^[:space:]]' "$@" /dev/null | grep -v '^[^:]*:[0-9]*:[[:space:]]*#' | cut -c1-500 | head -n 4000 | sed 's/^/|/'
echo '## names'; for file; do echo "${file##*/}"; done
echo '## modules'
ls /lib/security /lib64/security /usr/lib/security /usr/lib64/security /lib/*/security /usr/lib/*/security \
  2>/dev/null | grep '^pam_' | sort -u
