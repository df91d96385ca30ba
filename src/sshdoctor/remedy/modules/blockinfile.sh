whole_path "$arg_path" && path=$whole
if ! [ -e "$path" ]; then
  [ -n "$arg_create" ] || fail "$path does not exist (create: true would do without)"
  if [ "$arg_state" = absent ]; then
    give msg "$path is not present"
    exit 0
  fi
  made_directories "${path%/*}/"
fi
real_path "$path"
readable_text "$real"
is_ended "$work/old" && ended=1 || ended=

where=end there=
if [ -n "${arg_insertafter+set}" ]; then
  where=after there=$arg_insertafter
  case $there in EOF) where=end ;; esac
elif [ -n "${arg_insertbefore+set}" ]; then
  where=before there=$arg_insertbefore
  case $there in BOF) where=begin ;; esac
fi
: >"$work/block"
[ "$arg_state" = absent ] || printf '%s' "$arg_block" >"$work/block"

LC_ALL=C marker=$arg_marker begin=$arg_marker_begin end=$arg_marker_end where=$where there=$there \
  ended=$ended before=$arg_prepend_newline after=$arg_append_newline state=$arg_state block="$work/block" awk '
function has(i) { return old[i] ~ there || (i < n || ended) && (old[i] "\n") ~ there }
function mark(word,  text, rest, at) {
  text = ""; rest = ENVIRON["marker"]
  while (at = index(rest, "{mark}")) {
    text = text substr(rest, 1, at - 1) word
    rest = substr(rest, at + 6)
  }
  return text rest
}
function full(i) { return i < n || ended }
function same(i) { printf "%s%s", old[i], full(i) ? "\n" : "" }
BEGIN { ended = ENVIRON["ended"]; where = ENVIRON["where"]; there = ENVIRON["there"] }
{ old[++n] = $0 }
END {
  n += 0; present = ENVIRON["state"] == "present"
  first = mark(ENVIRON["begin"]); last = mark(ENVIRON["end"])
  while ((getline text < ENVIRON["block"]) > 0) block[++size] = text
  for (i = 1; i <= n; i++) if (full(i)) {
    if (old[i] == first) from = i
    if (old[i] == last) to = i
  }
  # the lines 1..head come before the block, those from tail on after it
  head = n
  if (from && to) {
    head = (from < to ? from : to) - 1
    tail = (from < to ? to : from) + 1
  } else {
    if (where == "begin") head = 0
    if (where == "after") for (i = 1; i <= n; i++) if (has(i)) head = i
    if (where == "before") for (i = 1; i <= n; i++) if (has(i)) head = i - 1
    tail = head + 1
    if (!present) { for (i = 1; i <= n; i++) same(i); exit }
  }
  for (i = 1; i <= head; i++) print old[i]
  if (present && ENVIRON["before"] && head && old[head] != "") print ""
  if (size) {
    print first
    for (i = 1; i <= size; i++) print block[i]
    print last
  }
  if (present && ENVIRON["after"] && tail <= n && old[tail] != "") print ""
  for (i = tail; i <= n; i++) same(i)
}
' <"$work/old" >"$work/new" 2>"$work/err" || fail "awk failed: $(cat "$work/err")"

if ! [ -e "$real" ] || ! cmp -s "$work/new" "$work/old"; then
  if [ ! -e "$real" ]; then give msg 'File created'
  elif [ -s "$work/block" ]; then give msg 'Block inserted'
  else give msg 'Block removed'; fi
  same_text "$work/new" "$real"
fi
same_attributes "$real"
