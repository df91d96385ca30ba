# The sshd that listens, for the tasks and for the guard alike (services/base.py says what this gives).

# It titles itself "sshd: /usr/sbin/sshd -p 22 [listener] 0 of 10-100 startups" (cut off where its environment was
# small: the options are not known then, and a "?" stands for them); an old one "/usr/sbin/sshd -p 22". A session
# ("sshd: deploy [priv]") outlives its listener.
# shellcheck disable=SC2154  # find_servers sets it
server_process() (
  find_servers sshd >/dev/null
  here=$(readlink /proc/self/ns/pid)
  printf %s "$programs" | while read -r pid program; do
    program=${program%' (deleted)'}
    case $program in */sshd) ;; *) continue ;; esac
    [ "$(readlink "/proc/$pid/ns/pid")" = "$here" ] || continue # in a container on this host
    title=$({ tr '\0\n' '  ' <"/proc/$pid/cmdline"; } 2>/dev/null)
    case $title in
      'sshd: /'*' [listener]'*) title=${title#sshd: } options=${title%% \[listener\]*} ;;
      'sshd: /'*) options='x ?' ;;
      'sshd: '* | '') continue ;;
      *) options=$title ;;
    esac
    case $options in *' '*) options=${options#* } ;; *) options='' ;; esac
    echo "$pid $program${options:+ $options}"
    break
  done | grep .
)
