# What the rescue script does beside the probe: a verdict for the eye, and the capture that goes back.
# Given above: $asked $shown $host $address $port $user $mark $url, and the functions probe and stop.
alphabet=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=
modulus=16777213 # a prime: sums stay below 2^31, which every shell can count to

# The capture in plain text: who was asked for, who answers, and all that the probe prints.
plain() {
  if as_root; then root=yes; else root=no; fi
  printf '%s\n' 'sshdoctor-capture 1' "asked $(printf %s "$asked" | tr '\n' ' ')" \
    "taken $(date +%s) $(date -u +%Y-%m-%dT%H:%M:%SZ)" "hostname $(uname -n)" \
    "addresses $(addresses)" "root $root" ''
  probe
}

pack() { if has gzip; then gzip -c; else cat; fi; }

encode() {
  if has base64; then base64
  elif has openssl; then openssl base64
  elif has uuencode; then uuencode -m capture | sed -e 1d -e '/^====$/d'
  else od -An -v -tx1
  fi | tr -d ' \r\n' | sed 's/.\{60\}/&\
/g'
}

# Every line gets its number and a sum over both, so that whatever happens to one on its way is noticed.
# The shell itself counts: neither cksum nor awk is everywhere.
numbered() {
  if has gzip; then packing=gzip; else packing=plain; fi
  if has base64 || has openssl || has uuencode; then coding=base64; else coding=hex; fi
  run=$((($(date +%s) + $$) % modulus))
  count=0 total=$run
  while IFS= read -r data || [ -n "$data" ]; do
    count=$((count + 1))
    sum=$(((run + count * 101) % modulus))
    rest=$data
    while [ -n "$rest" ]; do
      after=${rest#?}
      before=${alphabet%%"${rest%"$after"}"*}
      sum=$(((sum * 67 + ${#before} + 1) % modulus))
      rest=$after
    done
    total=$(((total * 67 + sum) % modulus))
    echo "[$count:$data:$sum]"
  done
  echo "[end:$run:$packing:$coding:$count:$total]"
}

# A folder of our own where files can be written: the disk may be full, or may be mounted read-only.
find_room() {
  for folder in "${TMPDIR:-/tmp}" /dev/shm /run /var/tmp "${HOME:-/}" .; do
    room=$folder/sshdoctor.$$
    mkdir "$room" 2>/dev/null || continue
    if printf %01048576d 0 2>/dev/null >"$room/plain"; then return; fi
    rm -rf "$room"
  done
  room=
}

leave() {
  stop
  [ -z "$room" ] || rm -rf "$room"
  exit 130
}

capture() {
  plain >"$room/plain" 2>/dev/null
  sum=$(cksum <"$room/plain" 2>/dev/null)
  echo "sshdoctor-checksum ${sum:--}" >>"$room/plain"
}

send() {
  { has curl && curl -fsS -m 120 --data-binary "@$1" "$url"; } ||
    { has wget && wget -q -O - --post-file="$1" "$url"; } ||
    { has busybox && busybox wget -q -O - --post-file="$1" "$url"; }
}

how_to_send() {
  echo
  echo "The capture: $room/capture ($(wc -l <"$room/capture") lines)"
  echo " -> cat $room/capture      and copy all of it; or carry the file"
  echo 'Then, where sshdoctor is (- for FILE lets you paste it):'
  echo " -> sshdoctor diagnose --host $shown --capture FILE"
}

to_screen() {
  echo 'No file can be written here. Copy all the lines that follow, up to [end:...]'
  { plain 2>/dev/null; echo 'sshdoctor-checksum -'; } | pack | encode | numbered
}

main() {
  room=
  trap leave INT TERM HUP
  find_room
  if [ "$1" = --plain ]; then
    if [ -n "$room" ]; then capture && cat "$room/plain" && rm -rf "$room"
    else plain; echo 'sshdoctor-checksum -'
    fi
    return
  fi
  verdict 2>/dev/null | for_the_eye
  echo ' Looking closer ... (a minute at most)'
  if [ -z "$room" ]; then
    to_screen
    return
  fi
  capture
  pack <"$room/plain" | encode | numbered >"$room/lines"
  label=$(tail -n 1 "$room/lines")
  { echo "[begin${label#?end}"; cat "$room/lines"; } >"$room/capture"
  rm "$room/plain" "$room/lines"
  if [ -n "$url" ] && send "$room/capture" </dev/null; then
    rm -rf "$room"
  else
    [ -z "$url" ] || echo 'It could not be sent.'
    how_to_send
  fi
}

main "${1-}" </dev/null # a shell that reads this very text from its input must have all of it
