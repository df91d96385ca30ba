# Dials others from this machine. It takes sh and one of python3, curl, wget, nc, bash; nothing is written.
# look KIND SCHEME NAME PORT TARGET LIMIT REDIRECTS METHOD AGENT EXPECT: what a client gets, in one line.
LC_ALL=C; export LC_ALL
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
have() { command -v "$1" >/dev/null 2>&1; }
ends() { if have timeout; then timeout "$@"; else shift; "$@"; fi; }

look() {
  if have python3 && python3 -c 'import ssl, http.client' 2>/dev/null; then
    python3 -c "$python_probe" "$@" 2>/dev/null
  elif [ "$1" = site ]; then
    site "$@"
  else
    greeting "$3" "$4" "$6"
  fi
}

hex() { od -An -v -tx1 | tr -d ' \n'; }

# A program's complaint about a connect, as a word.
complaint() {
  case $1 in
    *efused*) echo rst;;
    *'etwork is unreachable'*) echo lost;;
    *'o route'* | *nreachable*) echo unreachable;;
    *) echo silence;;
  esac
}

greeting() {
  if have bash; then
    said=$({ ends "$3" bash -c 'exec 3<>"/dev/tcp/$0/$1" && head -n 1 <&3' "$1" "$2" | hex; } 2>&1)
  elif have nc; then
    said=$({ ends "$3" nc -w 7 "$1" "$2" </dev/null | head -c 512 | hex; } 2>&1)
  elif have curl; then
    said=$({ ends "$3" curl -sS -m "$3" "telnet://$1:$2" </dev/null | head -c 512 | hex; } 2>&1)
  else
    echo lost; return
  fi
  case $said in
    '' | *[!0-9a-f]*) complaint "$said";;
    *) echo "said open $said";;
  esac
}

site() {
  name=$3; case $name in *:*) name="[$name]";; esac
  url="$2://$name:$4$5"
  if have curl; then by_curl "$url" "$6" "$7" "$8" "$9" "${10}"
  elif have wget; then by_wget "$url" "$6" "$7" "$9" "${10}"
  elif [ "$2" = http ] && { have nc || have bash; }; then by_hand "$3" "$4" "$5" "$6" "$9"
  else echo lost; fi
}

by_curl() {
  if [ -n "$6" ]; then
    page=$(curl -s -f -L --max-redirs "$(($3 - 1))" -m "$2" -A "$5" "$1" 2>/dev/null | head -c 65536)
    case $page in *"$6"*) echo 'status 200'; return;; esac
  fi
  if [ -z "$4$6" ] && told=$(curl -s -I -L --max-redirs "$(($3 - 1))" -m 5 -A "$5" -o /dev/null \
    -w '%{http_code}' "$1" 2>/dev/null); then
    case $told in [123]??) echo "status $told"; return;; esac
  fi
  told=$(curl -sS -L -X "${4:-GET}" --max-redirs "$(($3 - 1))" -m "$2" -A "$5" -o /dev/null \
    -w '%{http_code} %{time_connect}' "$1" 2>&1)
  code=$?
  case $code in
    0 | 23) if [ -n "$6" ] && [ "${told%% *}" -lt 400 ]; then echo content; else echo "status ${told%% *}"; fi;;
    6) name_of "$1";;
    7) case $told in *refused*) echo rst;; *'etwork is unreachable'*) echo lost;; *) echo unreachable;; esac;;
    28) case $told in *'000 0.000000') echo silence;; *) echo intermittent;; esac;;
    35) echo tls-failed;;
    47) echo redirection;;
    51) echo certificate-mismatch;;
    52 | 56) echo intermittent;;
    60) case $told in *expired*) echo certificate-expired;; *match*) echo certificate-mismatch;;
      *) echo certificate-untrusted;; esac;;
    1 | 8) echo not-http;;
    *) echo lost;;
  esac
}

# curl and wget say no more than that a name was not found: only a resolver's own word counts.
name_of() {
  bare=${1#*://}; bare=${bare%%[:/]*}
  if have host; then said=$(ends 10 host "$bare" 2>&1); elif have nslookup; then said=$(ends 10 nslookup "$bare" 2>&1)
  else said=; fi
  case $said in *NXDOMAIN*) echo name-not-found;; *) echo lost;; esac
}

by_wget() {
  said=$(ends "$2" wget -S -O - -T "$2" -t 1 -U "$4" "$1" 2>&1 | head -c 65536)
  status=$(printf '%s\n' "$said" | sed -n 's|^ *HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' | tail -n 1)
  if [ -n "$status" ]; then
    case "$status$5" in
      [123]??) echo "status $status";;
      [123]??*) case $said in *"$5"*) echo "status $status";; *) echo content;; esac;;
      *) echo "status $status";;
    esac
    return
  fi
  case $said in
    *'efused'*) echo rst;;
    *'etwork is unreachable'*) echo lost;;
    *'bad address'* | *'unable to resolve'*) name_of "$1";;
    *'expired'*) echo certificate-expired;;
    *'certificate'*) echo certificate-untrusted;;
    *'timed out'* | '') echo silence;;
    *'o route to host'*) echo unreachable;;
    *) echo lost;;
  esac
}

by_hand() {
  asked=$(printf 'GET %s HTTP/1.0\r\nHost: %s:%s\r\nUser-Agent: %s\r\n\r\n.' "$3" "$1" "$2" "$5")
  asked=${asked%.}
  if have bash; then
    first=$(asked=$asked ends "$4" bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf %s "$asked" >&3 && head -n 1 <&3' \
      "$1" "$2" 2>&1 | head -n 1)
  else
    first=$(printf '%s' "$asked" | ends "$4" nc -w "$4" "$1" "$2" 2>&1 | head -n 1)
  fi
  case $first in
    HTTP/[01].[0-9]\ [1-5][0-9][0-9]*) first=${first#* }; echo "status ${first%% *}" | cut -c 1-10;;
    '' | *efused* | *oute* | *nreachable*) complaint "$first";;
    *) echo not-http;;
  esac
}
