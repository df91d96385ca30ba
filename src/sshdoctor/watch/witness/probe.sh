# Dials others from this machine. It takes sh and one of python3, curl, wget, nc, bash; nothing is written.
# look KIND SCHEME NAME PORT TARGET LIMIT REDIRECTS METHOD AGENT EXPECT AUTHORITY: what a client gets, in one line.
LC_ALL=C; export LC_ALL
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
have_python() { have python3 && python3 -c 'import ssl, http.client' 2>/dev/null; }
have() { command -v "$1" >/dev/null 2>&1; }
ends() { if have timeout; then timeout "$@"; else shift; "$@"; fi; }

look() {
  if [ "$1" = site ]; then
    site "$@"
  else
    greeting "$3" "$4" "$6" "${10}"
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

# What the service at NAME PORT says first, within LIMIT seconds, up to its line that begins with EXPECT, or the end.
greeting() {
  if have bash; then
    said=$(expect=$4 ends "$3" bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit; echo met
      while IFS= read -r line <&3 || [ -n "$line" ]; do
        printf "%s\n" "$line"; case $line in "$expect"*) exit;; esac
      done; echo ended' "$1" "$2" 2>&1 | head -c 8192; echo .)
    said=${said%?}
    case $said in
      met*"$4"*) told open "${said#met?}";;
      met*ended?) said=${said%ended?}; told closed "${said#met?}";;
      met*) told time "${said#met?}";;
      *) complaint "$said";;
    esac
    return
  elif have nc; then
    said=$(ends "$3" nc -w 7 "$1" "$2" </dev/null 2>&1 | head -c 8192; echo .)
  elif have curl; then
    said=$(ends "$3" curl -sS -m "$3" "telnet://$1:$2" </dev/null 2>&1 | head -c 8192; echo .)
  else
    echo lost; return
  fi
  said=${said%?}
  case $said in
    *"$4"*) told open "$said";;
    '' | nc:* | curl:* | *': Connection '*) complaint "$said";;
    *) told closed "$said";;
  esac
}

told() { echo "said $1 $(printf '%s' "$2" | hex)"; }

site() {
  name=$3; case $name in *:*) name="[$name]";; esac
  url="$2://$name:$4$5"
  authority=${11}
  if have curl; then by_curl "$url" "$6" "$7" "$8" "$9" "${10}"
  elif have wget; then by_wget "$url" "$6" "$7" "$9" "${10}"
  elif have nc || have bash; then by_hand "$url" "$6" "$7" "$9" "${10}"
  else echo lost; fi
}

# A page in other characters than UTF-8 cannot be searched here for a text that is not of ASCII.
without() {
  case $2 in *[!\ -~]*) case $1 in *[Uu][Tt][Ff]-8*) ;; *) echo lost; return;; esac;; esac
  echo content
}

untrusted() { if [ -n "$authority" ]; then echo lost; else echo certificate-untrusted; fi; }

by_curl() {
  if [ -n "$6" ]; then
    page=$(curl -s -f -L --max-redirs "$(($3 - 1))" -m "$2" -A "$5" "$1" 2>/dev/null | head -c 4194304)
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
    0 | 23) if [ -n "$6" ] && [ "${told%% *}" -lt 400 ]; then without "$page" "$6"
      else echo "status ${told%% *}"; fi;;
    6) name_of "$1";;
    7) case $told in *refused*) echo rst;; *'etwork is unreachable'*) echo lost;; *) echo unreachable;; esac;;
    28) case $told in *'000 0.000000') echo silence;; *) echo intermittent;; esac;;
    35) echo tls-failed;;
    47) echo redirection;;
    51) echo certificate-mismatch;;
    52 | 56) echo intermittent;;
    60) case $told in *expired*) echo certificate-expired;; *match*) echo certificate-mismatch;;
      *) untrusted;; esac;;
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
  said=$(ends "$2" wget -S -O - -T "$2" -t 1 -U "$4" "$1" 2>&1 | head -c 4194304)
  status=$(printf '%s\n' "$said" | sed -n 's|^ *HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' | tail -n 1)
  chain=$(printf '%s\n' "$said" | grep -c '^ *HTTP/[0-9.]* 3')
  if [ "$chain" -ge "$3" ]; then echo redirection; return; fi
  if [ -n "$status" ]; then
    case "$status$5" in
      [123]??) echo "status $status";;
      [123]??*) case $said in *"$5"*) echo "status $status";; *) without "$said" "$5";; esac;;
      *) echo "status $status";;
    esac
    return
  fi
  case $said in
    *'efused'*) echo rst;;
    *'etwork is unreachable'*) echo lost;;
    *'bad address'* | *'unable to resolve'*) name_of "$1";;
    *'expired'*) echo certificate-expired;;
    *'certificate'*) untrusted;;
    *'timed out'* | '') echo silence;;
    *'o route to host'*) echo unreachable;;
    *) echo lost;;
  esac
}

# One answer of NAME PORT to GET TARGET: its head, and the page where $expect is not empty.
asked_by_hand() {
  asked=$(printf 'GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n.' "$3" "$1:$2" "$4")
  asked=${asked%.}
  if have bash; then
    asked=$asked expect=$expect ends "$5" bash -c 'exec 3<>"/dev/tcp/$0/$1" && printf %s "$asked" >&3 || exit
      while IFS= read -r line <&3 || [ -n "$line" ]; do
        printf "%s\n" "$line"; [ "${line%?}" ] || break
      done; [ -z "$expect" ] || cat <&3' "$1" "$2" 2>&1 | head -c 4194304
  else
    printf '%s' "$asked" | ends "$5" nc -w "$5" "$1" "$2" 2>&1 | if [ -n "$expect" ]; then head -c 4194304
    else head -c 8192; fi
  fi
}

by_hand() {
  url=$1 chain=0 expect=$5
  while :; do
    case $url in http://*) ;; *) echo lost; return;; esac
    place=${url#http://}; path=/${place#*/}; place=${place%%/*}
    [ "${url#http://*/}" != "$url" ] || path=/
    port=${place##*:}; name=${place%:*}
    case $port in *[!0-9]*) port=80 name=$place;; esac
    name=${name#[}; name=${name%]}
    answer=$(asked_by_hand "$name" "$port" "$path" "$4" "$2")
    first=$(printf '%s\n' "$answer" | head -n 1)
    where=$(printf '%s\n' "$answer" | sed -n '/^.\{0,1\}$/q; s/^[Ll][Oo][Cc][Aa][Tt][Ii][Oo][Nn]: *\(.*[^ ]\).$/\1/p' | head -n 1)
    case $first in
      HTTP/[01].[0-9]\ 30[12378]*) [ -n "$where" ] || break;;
      *) break;;
    esac
    chain=$((chain + 1))
    if [ "$chain" -ge "$3" ]; then echo redirection; return; fi
    case $where in
      http://* | https://*) url=$where;;
      /*) url=http://$name:$port$where;;
      *) echo lost; return;;
    esac
  done
  case $first in
    HTTP/[01].[0-9]\ [1-5][0-9][0-9]*)
      first=${first#* }; first=$(echo "$first" | cut -c 1-3)
      case $first$expect in
        [123]??) echo "status $first";;
        [123]??*) case $answer in *"$expect"*) echo "status $first";; *) without "$answer" "$expect";; esac;;
        *) echo "status $first";;
      esac;;
    '' | *efused* | *oute* | *nreachable*) complaint "$first";;
    *) echo not-http;;
  esac
}
