# Who holds the lock of a package manager. Source: proc(5), /proc/locks; the locks are fcntl(2)'s.

uptime_seconds() { cut -d. -f1 /proc/uptime; }

# lock_holder FILE...: "process 12 (dpkg)" for the first of them that is locked.
lock_holder() {
  for file do
    inode=$(stat -c %i "$file" 2>/dev/null) || continue
    pid=$(sed -n "s/^[0-9]*: *[A-Z]* *[A-Z]* *WRITE *\([0-9][0-9]*\) [0-9a-f:]*:$inode .*/\1/p" /proc/locks | head -n 1)
    [ -z "$pid" ] || process_name "$pid"
    [ -z "$pid" ] || return 0
  done
  echo "another program"
}

process_name() { echo "process $1 ($(cat "/proc/$1/comm" 2>/dev/null || echo gone))"; }
