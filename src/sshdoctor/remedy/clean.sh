# What the tasks of a clean-up do on the host; see remedy/host.sh and remedy/guard for what they stand on.
#
# Processes are frozen first and ended last. What is put aside goes by theirs.sh into $state/quarantine, and comes back
# by guard/quarantine.sh. Nothing of what was found is run.

# clean_same PID BEGAN: the process that was examined; BEGAN in hundredths of a second since 1970.
clean_same() {
  clean_began=$(guard_started "$1") || return 1
  clean_began=$(($(sed -n 's/^btime //p' /proc/stat) * 100 + clean_began - $2))
  [ "$clean_began" -ge -300 ] && [ "$clean_began" -le 300 ] # the clock may be set meanwhile; a number comes back later
}

# clean_freeze PID BEGAN UID: it does nothing any more; what it is, is kept.
clean_freeze() {
  if ! clean_same "$1" "$2"; then
    give msg 'it runs no more'
    return 0
  fi
  would || return 0
  inverse sh "$state/guard.sh" thaw "$1" "$(guard_started "$1")"
  journal "kill -STOP $1"
  kill -STOP "$1" 2>/dev/null
  clean_same "$1" "$2" || kill -CONT "$1" 2>/dev/null
  clean_evidence "$1" "$3"
}

# clean_as UID PID COMMAND...: as the user whose process it is, by whose rights alone it may be looked into where
# root lacks the right (in many containers): the group must be the process's too.
clean_as() {
  as_uid=$1 as_gid=$(sed -n 's/^Gid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$2/status" 2>/dev/null)
  shift 2
  setpriv --reuid "$as_uid" --regid "${as_gid:-$as_uid}" --clear-groups "$@"
}

clean_evidence() {
  (
    umask 077
    mkdir -p "$state/evidence/$1" && cd "$state/evidence/$1" || exit 0
    for part in exe maps cmdline status cgroup; do
      timeout 10 head -c 67108864 "/proc/$1/$part" >"$part" 2>/dev/null ||
        clean_as "$2" "$1" timeout 10 head -c 67108864 "/proc/$1/$part" >"$part" 2>/dev/null
    done
    { ls -l "/proc/$1/" "/proc/$1/fd" || clean_as "$2" "$1" ls -l "/proc/$1/" "/proc/$1/fd"; } \
      >open 2>/dev/null
    true
  )
}

# clean_end PID BEGAN
clean_end() {
  if ! clean_same "$1" "$2"; then
    give msg 'it runs no more'
    return 0
  fi
  would || return 0
  journal "kill -KILL $1"
  kill -KILL "$1" 2>/dev/null || :
}

# clean_groups UID: the groups by which processes of UID run.
clean_groups() {
  grep -sE '^(Uid|Gid):' /proc/[0-9]*/status | awk -v uid="$1" '
    /:Uid:/ { own = $3 == uid }
    own && /:Gid:/ { print $3 }' | sort -u
}

# clean_running UID PROGRAM PATTERN: the numbers of the processes of UID that run it, by the kernel's word; PATTERN is
# PROGRAM for find. An interpreter runs what stands among its arguments.
clean_running() {
  {
    find /proc/[0-9]*/exe -maxdepth 0 \( -lname "$3" -o -lname "$3 (deleted)" \) -printf '%h\n' 2>/dev/null
    clean_groups "$1" | while read -r gid; do
      setpriv --reuid "$1" --regid "$gid" --clear-groups \
        find /proc/[0-9]*/exe -maxdepth 0 \( -lname "$3" -o -lname "$3 (deleted)" \) -printf '%h\n' 2>/dev/null
    done
    grep -lzxF -- "$2" /proc/[0-9]*/cmdline 2>/dev/null | sed 's,/cmdline$,,' | while IFS= read -r one; do
      exe=$(readlink "$one/exe" 2>/dev/null || clean_as "$1" "${one#/proc/}" readlink "$one/exe" 2>/dev/null)
      case ${exe##*/} in perl* | python* | php* | ruby* | node* | sh | dash | bash | busybox) echo "$one" ;; esac
    done
  } | sort -u | while IFS= read -r one; do
    grep -qs "^Uid:[[:space:]]*[0-9]*[[:space:]]*$1[[:space:]]" "$one/status" && echo "${one#/proc/}"
  done
}

# clean_end_all UID PROGRAM PATTERN: what began since the examination, too.
clean_end_all() {
  for pid in $(clean_running "$@"); do
    would || return 0
    journal "kill -KILL $pid"
    kill -KILL "$pid" 2>/dev/null || :
  done
}

# clean_watch SECONDS: nothing of clean_list comes back in that time.
clean_watch() {
  [ -z "$check" ] || return 0
  ends=$(($(guard_uptime) + $1))
  while [ "$(guard_uptime)" -lt "$ends" ]; do
    guard_touch
    while IFS="$(printf '\t')" read -r uid program pattern; do
      [ -n "$uid" ] || continue
      for pid in $(clean_running "$uid" "$program" "$pattern"); do
        kill -STOP "$pid" 2>/dev/null
        clean_evidence "$pid" "$uid"
        kill -KILL "$pid" 2>/dev/null
        fail "$program came back after $(($1 - ends + $(guard_uptime))) s"
      done
    done <<EOF
$clean_list
EOF
    sleep 1
  done
}

# clean_hook PATH: has what reads it read it again; "undo": afterwards, when it is back.
# clean_reread is the unit that reads it, where the file alone does not tell: one that answers for sites only
# reads again, any other begins anew.
clean_reread=
clean_hook() {
  case $clean_reread in
    '' | *[!A-Za-z0-9@_.:-]*) ;;
    *apache2* | *httpd* | *nginx* | *fpm*) ! guard_systemd || echo "systemctl reload $clean_reread" ;;
    *) ! guard_systemd || echo "systemctl try-restart $clean_reread" ;;
  esac
  case $1 in
    /etc/systemd/* | /run/systemd/* | /usr/lib/systemd/* | /usr/local/lib/systemd/* | /etc/init.d/*)
      ! guard_systemd || echo systemctl daemon-reload
      ;;
    */.user.ini | */php.ini | */.htaccess | /etc/php/* | /etc/php-fpm.* | /etc/php.d/*)
      ! guard_systemd || systemctl list-units --type=service --state=running --plain --no-legend 'php*-fpm*' 2>/dev/null |
        awk '{ print "systemctl reload " $1 }'
      ;;
    /etc/udev/*) ! guard_has udevadm || echo udevadm control --reload ;;
    /etc/postfix/*) ! guard_has postfix || echo postfix reload ;;
    /etc/supervisor*) ! guard_has supervisorctl || echo supervisorctl update ;;
  esac
}

clean_hooked() {
  clean_hook "$1" | while IFS= read -r line; do
    # shellcheck disable=SC2086
    $2 $line
  done
}

# clean_database PATH: what is made of a file of aliases is kept as it is, for its bytes tell when it was made.
clean_database() {
  case $1 in /etc/aliases | /etc/mail/aliases) ;; *) return 0 ;; esac
  [ -f "$1.db" ] && (umask 077 && cp -a "$1.db" "$state/${1##*/}.db") || return 0
  inverse cp -a "$state/${1##*/}.db" "$1.db"
}

# clean_made_anew PATH: the mail server reads what is made of the file.
clean_made_anew() {
  case $1 in /etc/aliases | /etc/mail/aliases) ! guard_has newaliases || clean_try newaliases ;; esac
}

clean_try() {
  journal "$*"
  timeout 60 "$@" </dev/null >/dev/null 2>&1 || :
}

# clean_number: for the next thing that is put aside, in $item; $kept is the folder.
clean_number() {
  kept=$state/quarantine
  (umask 077 && mkdir -p "$kept") || fail "$kept cannot be written"
  item=$(find "$kept" -name '*.path' | wc -l)
  item=$(printf %04d $((item + 1)))
}

# clean_note KIND PATH: everything that the way back needs, before anything is changed. Works in PATH's folder.
clean_note() {
  (
    umask 077
    printf %s "$1" >"$kept/$item.kind" && stat -c %y . >"$kept/$item.times" &&
      printf %s ".sshdoctor.$$" >"$kept/$item.room" && printf %s "$flags" >"$kept/$item.flags" &&
      printf %s "$2" >"$kept/$item.path" &&
      { printf '%s %s ' "$item" "$1" && stat -c '%f %a %u:%g %s %y %N' "./${2##*/}"; } >>"$kept/manifest"
  ) || fail "$kept cannot be written: nothing was changed"
  clean_hooked "$2" inverse
  inverse sh "$state/guard.sh" back "$item"
}

# clean_archive: ./$item, which is in a room of root's now.
clean_archive() (
  umask 077
  {
    tar -rf "$kept/archive.tar" --format=posix --xattrs --xattrs-include='*' --acls --numeric-owner "./$item" ||
      tar -rf "$kept/archive.tar" --format=posix --numeric-owner "./$item"
  } >/dev/null 2>&1 && : >"$kept/$item.done"
)

# clean_enter PATH: into its folder; an immutable file of root's own folder may be changed then.
clean_enter() {
  theirs_enter "$1" || fail "$1: its folder cannot be entered without following a link"
  flags=''
  if [ -e "./${1##*/}" ] && ! theirs "$1" && guard_has lsattr; then
    case $(lsattr -d "./${1##*/}" 2>/dev/null | cut -d ' ' -f 1) in *i*) flags=i ;; esac
  fi
}

clean_loosen() {
  [ -z "$flags" ] || {
    journal "chattr -i $1"
    chattr -i "./${1##*/}" || fail "$1 is immutable, and stays so"
  }
}

# clean_aside PATH UID: it is gone from there, and kept. UID: whose it was when it was examined, or nothing.
clean_aside() (
  cd / && clean_enter "$1"
  name=./${1##*/}
  if [ ! -e "$name" ] && [ ! -L "$name" ]; then
    give msg 'it is not there any more'
    return 0
  fi
  [ -L "$name" ] || [ ! -d "$name" ] || fail "$1 is a folder"
  would || return 0
  clean_number
  clean_note file "$1"
  clean_loosen "$1"
  journal "put aside $1"
  theirs_room && mv -T "../$name" "./$item" || fail "$1 cannot be taken away"
  if [ -n "$2" ] && [ "$(stat -c %u "./$item")" != "$2" ]; then
    mv -nT "./$item" "../$name"
    fail "$1 is another file than was examined"
  fi
  clean_archive || fail "$1 cannot be kept (a full disk?)"
  rm -f "./$item" && cd .. && rmdir "./.sshdoctor.$$"
  clean_hooked "$1" clean_try
)

# clean_lines PATH SPEC: without these lines; SPEC has the number and the beginning of each, with a tab between.
clean_lines() (
  cd / && clean_enter "$1"
  name=./${1##*/}
  if [ ! -e "$name" ]; then
    give msg 'it is not there any more'
    return 0
  fi
  [ -f "$name" ] && [ ! -L "$name" ] || fail "$1 is no regular file"
  would || return 0
  clean_number
  clean_note lines "$1"
  clean_database "$1"
  clean_loosen "$1"
  theirs_room && ln "../$name" "./$item" && [ "$(stat -c %h "./$item")" = 2 ] && [ -f "./$item" ] ||
    fail "$1 cannot be held: has it other names?"
  cp -a "./$item" "./$item.new" || fail "$1 cannot be copied"
  printf '%s\n' "$2" >"$work/spec"
  awk -F '\t' '
    # What is told of a host has some bytes spelled out (\r): what is plain to see is compared.
    function plain(text) {
      gsub(/[\\](r|x[0-9a-f][0-9a-f]|u[0-9a-f][0-9a-f][0-9a-f][0-9a-f])/, "", text)
      gsub(/[^!-~]/, "", text)
      return text
    }
    FNR == NR { at[++wanted] = $1; text[wanted] = plain(substr($0, index($0, "\t") + 1)); next }
    { line[++lines] = $0 }
    END {
      for (i = 1; i <= wanted; i++) {
        if (text[i] == "") exit 1
        if (index(plain(line[at[i]]), text[i]) == 1) { gone[at[i]]; continue }
        same = 0
        for (n = 1; n <= lines; n++) if (plain(line[n]) == text[i]) { same++; where = n }
        if (same != 1) exit 1
        gone[where]
      }
      for (n = 1; n <= lines; n++) if (!(n in gone)) print line[n]
    }' "$work/spec" "./$item" >"$work/text" || fail "$1: the line is not what it was when it was examined"
  cat "$work/text" >"./$item.new" || fail "$1 cannot be written"
  show_diff "$1" "./$item" "./$item.new"
  (umask 077 && cksum <"./$item.new" >"$kept/$item.sum") && clean_archive || fail "$1 cannot be kept (a full disk?)"
  journal "lines out of $1"
  mv -fT "./$item.new" "../$name" && rm -f "./$item" && cd .. && rmdir "./.sshdoctor.$$"
  clean_hooked "$1" clean_try
  clean_made_anew "$1"
)

# clean_unit NAME PATTERN: it is stopped, and what starts it at boot is put aside; its own file is, if no package brought it.
clean_unit() {
  guard_systemd || fail 'systemd does not run here'
  would || return 0
  ! systemctl is-active --quiet "$1" || inverse systemctl start --no-block "$1"
  inverse systemctl daemon-reload
  clean_try systemctl kill --signal=KILL "$1"
  clean_try systemctl stop "$1"
  find /etc/systemd/system -maxdepth 2 -name "$2" \( -type l -o -type f \) -print0 | tr '\n\000' '\001\n' |
    while IFS= read -r file; do clean_aside "$file" ''; done
  clean_try systemctl daemon-reload
  clean_try systemctl reset-failed "$1"
}

# clean_user_unit USER UID HOME NAME PATTERN
clean_user_unit() {
  would || return 0
  set -- "$1" "$2" "$3" "$4" "$5" env "XDG_RUNTIME_DIR=/run/user/$2" systemctl --user
  inverse runuser -u "$1" -- env "XDG_RUNTIME_DIR=/run/user/$2" systemctl --user start --no-block "$4"
  inverse runuser -u "$1" -- env "XDG_RUNTIME_DIR=/run/user/$2" systemctl --user daemon-reload
  clean_try runuser -u "$1" -- env "XDG_RUNTIME_DIR=/run/user/$2" systemctl --user kill --signal=KILL "$4"
  clean_try runuser -u "$1" -- env "XDG_RUNTIME_DIR=/run/user/$2" systemctl --user stop "$4"
  find "$3/.config/systemd/user" -maxdepth 2 -name "$5" -type l -print0 2>/dev/null | tr '\n\000' '\001\n' |
    while IFS= read -r file; do clean_aside "$file" ''; done
}

# clean_jobs UID WORDS...: at's jobs of UID that name one of them.
clean_jobs() {
  uid=$1 && shift
  for folder in /var/spool/cron/atjobs /var/spool/at /var/spool/atjobs; do
    [ -d "$folder" ] || continue
    find "$folder" -maxdepth 1 -type f -uid "$uid" -print | while IFS= read -r job; do
      for word; do
        ! theirs_text "$job" | grep -qF -- "$word" || {
          clean_aside "$job" "$uid"
          break
        }
      done
    done
  done
}

# clean_section NAME: a program of supervisor; its file goes in a step of its own.
clean_section() {
  guard_has supervisorctl || fail 'there is no supervisorctl'
  would || return 0
  inverse supervisorctl start "$1"
  clean_try supervisorctl stop "$1"
}

# clean_close PATH: the form answers nobody, and stays where it is.
clean_close() (
  cd / && clean_enter "$1"
  name=./${1##*/}
  [ -f "$name" ] && [ ! -L "$name" ] || fail "$1 is no regular file"
  would || return 0
  mode=$(stat -c %a "$name")
  note_diff "$1" "$mode" 0
  inverse sh "$state/guard.sh" open "$1" "$mode"
  journal "chmod 0 $1"
  times=$(stat -c %y .)
  theirs_hold "$name" || fail "$1 cannot be held"
  chmod 0 ./object
  theirs_leave
  touch -d "$times" ..
)

# clean_hold SERVER IDS: letters that wait go nowhere, and are not deleted.
clean_hold() {
  would || return 0
  (umask 077 && printf '%s\n' "$2" | tr ' ' '\n' >"$state/held.$1")
  case $1 in
    postfix)
      queue=$(postconf -h queue_directory)
      find "$queue/hold" -type f -printf '%f\n' 2>/dev/null >"$work/holding"
      grep -vxF -f "$work/holding" "$state/held.postfix" >"$work/held" || :
      (umask 077 && cat "$work/held" >"$state/held.postfix")
      [ -s "$work/held" ] || return 0
      inverse sh -c 'postsuper -H - <"$1"' sh "$state/held.postfix"
      journal "postsuper -h of $(grep -c . "$work/held") letters"
      postsuper -h - <"$work/held" >/dev/null 2>"$work/err" || fail "postsuper: $(tail -n 1 "$work/err")"
      ;;
    exim)
      exim=$(command -v exim4 || command -v exim) || fail 'there is no exim'
      inverse sh -c 'xargs -r "$2" -Mt <"$1"' sh "$state/held.exim" "$exim"
      journal "exim -Mf of $(grep -c . "$state/held.exim") letters"
      xargs -r "$exim" -Mf <"$state/held.exim" >/dev/null 2>&1 || :
      ;;
  esac
}

# clean_sites: the names that web servers of this host know, each with what it answers here.
clean_sites() {
  guard_has curl || return 0
  {
    cat /etc/nginx/nginx.conf /etc/nginx/sites-enabled/* /etc/nginx/conf.d/* 2>/dev/null | sed -n 's/^[[:space:]]*server_name[[:space:]]*//p'
    cat /etc/apache2/sites-enabled/* /etc/httpd/conf.d/* 2>/dev/null | sed -n 's/^[[:space:]]*Server\(Name\|Alias\)[[:space:]]*//p'
  } | tr -s '; \t' '\n' | grep -E '^[A-Za-z0-9][A-Za-z0-9.-]*$' | sort -u | head -n 20 | while IFS= read -r site; do
    printf '%s %s\n' "$site" "$(curl -s -m 20 -o /dev/null -w '%{http_code}' -H "Host: $site" http://127.0.0.1/ || :)"
  done
}

# clean_answers [BEFORE]: every site that answered does.
clean_answers() {
  [ -z "$check" ] || return 0
  guard_touch
  clean_sites >"$work/sites"
  while read -r site code; do
    case $code in 000 | 5*) ;; *) continue ;; esac
    ! grep -qxF "$site $code" "$work/sites.before" 2>/dev/null || continue
    fail "$site answers $code"
  done <"$work/sites"
  give msg "$(tr '\n' ',' <"$work/sites")"
}
