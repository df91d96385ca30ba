# What every script for a console stands on.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
umask 077

has() { command -v "$1" >/dev/null 2>&1; }

as_root() { [ "$(id -u)" = 0 ]; }

addresses() {
  if has ip; then
    ip -o addr | sed -n 's/.* inet6\{0,1\} \([0-9a-fA-F.:]*\).*/\1/p'
  else
    sed -n -e '/|-- /h' -e '/32 host LOCAL/{g;s/.*|-- //p;}' /proc/net/fib_trie | sort -u
    quad='\(....\)'
    sed -n "s/^$quad$quad$quad$quad$quad$quad$quad$quad .*/\1:\2:\3:\4:\5:\6:\7:\8/p" /proc/net/if_inet6
  fi 2>/dev/null | tr '\n' ' '
}

# Text from this machine must not steer the terminal, nor run over the screen.
for_the_eye() { tr -cd '\040-\176\n' | cut -c1-79; }

