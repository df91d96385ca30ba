# The small files that PAM's modules look at.
options() { # MODULE OPTION: the files that this option names
  cat /etc/pam.d/* /usr/lib/pam.d/* 2>/dev/null |
    sed -n "s/^[^#]*$1.*[[:space:]]$2=\\(\\/[^]:[:space:]]*\\).*/\\1/p"
}
for file in /etc/nologin /var/run/nologin /etc/securetty /etc/security/access.conf /etc/security/time.conf \
  $(options pam_access accessfile; options pam_listfile file; options pam_nologin file; options pam_time conffile)
do
  case $shown in *"|$file|"*) continue ;; esac
  shown="$shown|$file|"
  echo "## lines $file"
  if [ -f "$file" ]; then sed -n '/^[[:space:]]*[^#[:space:]]/s/^/|/p' "$file" | head -n 200; else echo absent; fi
done
for file in $(options pam_oath usersfile) /etc/users.oath; do
  case $shown in *"|$file|"*|*'$'*) continue ;; esac
  shown="$shown|$file|"
  echo "## users $file"
  if [ -f "$file" ]; then sed -n 's/^[[:space:]]*HOTP[^[:space:]]*[[:space:]]*\([^[:space:]]*\).*/|\1/p' "$file"; else echo absent; fi
done
for file in $(options pam_u2f authfile); do
  case $shown in *"|$file|"*) continue ;; esac
  shown="$shown|$file|"
  echo "## users $file"
  if [ -f "$file" ]; then sed -n 's/^\([^:#]*\):.*/|\1/p' "$file"; else echo absent; fi
done
true
