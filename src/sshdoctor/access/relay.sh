# Makes a connection for another machine. It takes sh, and one of bash (4.3), python3, nc; nothing is written.
# relay ADDRESS PORT MARK: what went wrong and "MARK failed", or "MARK ok SOURCE"; then the bytes, in and out.
LC_ALL=C; export LC_ALL
exec 2>&1
have() { command -v "$1" >/dev/null 2>&1; }
have_bash() { have bash && bash -c '(( BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 403 ))'; }

# addresses NAME: each that this machine finds, a line; what its resolver says where it has none.
addresses() {
  if have getent; then getent ahosts "$1" | cut -d ' ' -f 1; fi
  if have host; then host "$1"; elif have nslookup; then nslookup "$1"; fi | grep -o 'NXDOMAIN' | head -n 1
}

relay() {
  source=$(ip -o route get "$1" 2>/dev/null | sed -n 's/.* src \([0-9a-fA-F.:]*\).*/\1/p')
  if have_bash; then by_bash "$@" "${source:--}"
  elif have python3; then by_python "$@"
  elif have nc; then by_nc "$@" "${source:--}"
  else echo "there is none of bash, python3, nc"; echo "$3 failed"; fi
}

by_bash() {
  exec bash -c 'exec 4<&0
    exec 3<>"/dev/tcp/$0/$1" || { echo "$2 failed"; exit; }
    exec 2>/dev/null
    echo "$2 ok $3"
    cat <&3 &
    cat <&4 >&3 &
    wait -n
    kill $(jobs -p)' "$@"
}

by_python() {
  exec python3 -c 'import os, select, socket, sys
address, port, mark = sys.argv[1:]
try:
    link = socket.create_connection((address, int(port)))
except OSError as error:
    sys.exit("%s\n%s failed" % (error.strerror or error, mark))
out = sys.stdout.buffer
out.write(("%s ok %s\n" % (mark, link.getsockname()[0])).encode())
out.flush()
while True:
    for one in select.select([0, link], [], [])[0]:
        data = os.read(0, 65536) if one == 0 else link.recv(65536)
        if not data:
            sys.exit()
        if one == 0:
            link.sendall(data)
        else:
            out.write(data)
            out.flush()' "$@"
}

# It says of a connection only how it ended, so that one is made and ended first.
by_nc() {
  nc -w 5 "$1" "$2" </dev/null >/dev/null || { echo "$3 failed"; exit; }
  echo "$3 ok $4"
  exec nc "$1" "$2" 2>/dev/null
}
