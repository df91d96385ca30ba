whole_path "$arg_path" && path=$whole
if ! [ -e "$path" ] && [ "$arg_state" = absent ]; then
  give msg 'file not present'
  exit 0
fi
if ! [ -e "$path" ]; then
  [ -n "$arg_create" ] || fail "$path does not exist (create: true would make it)"
  made_directories "${path%/*}/"
fi
real_path "$path"
readable_text "$real"
is_ended "$work/old" && ended=1 || ended=

where=end there=
if [ -n "${arg_insertafter+set}" ]; then
  where=after there=$arg_insertafter
  case $there in EOF) where=end ;; BOF) where=begin ;; esac
elif [ -n "${arg_insertbefore+set}" ]; then
  where=before there=$arg_insertbefore
  case $there in BOF) where=begin ;; esac
fi
if [ -n "${arg_regexp+set}" ]; then by=regexp what=$arg_regexp
elif [ -n "${arg_search_string+set}" ]; then by=text what=$arg_search_string
else by=line what=; fi

# As Ansible, a pattern may also match a line's own newline.
LC_ALL=C by=$by what=$what where=$where there=$there line=${arg_line-} first=$arg_firstmatch ended=$ended \
  state=$arg_state found="$work/found" awk '
function bare(text) { sub(/\r+$/, "", text); return text }
function has(i, pattern) { return old[i] ~ pattern || (i < n || ended) && (old[i] "\n") ~ pattern }
function wanted(i) {
  if (by == "regexp") return has(i, what)
  if (by == "text") return index(old[i] (i < n || ended ? "\n" : ""), what)
  return bare(old[i]) == line
}
function same(i) { out(old[i], i == n && !ended) }
function out(text, open) { printf "%s%s", text, open ? "" : "\n" }
function present(  i, at, hit) {
  hit = 0; at = -1
  if (by != "line") for (i = 1; i <= n; i++) if (wanted(i)) { hit = i; if (first) break }
  if (!hit) for (i = 1; i <= n; i++) {
    if (bare(old[i]) == line) hit = i
    else if ((where == "after" || where == "before") && has(i, there)) {
      at = where == "after" ? i : i - 1
      if (first) break
    }
  }
  if (hit) { for (i = 1; i <= n; i++) if (i == hit) out(line); else same(i); return }
  if (where == "begin") at = 0
  else if (where == "end" || at < 0) at = n
  else if (where == "after" && bare(old[at < n ? at + 1 : n]) == line) at = -1
  for (i = 0; i <= n; i++) {
    if (i && i == at) out(old[i]); else if (i) same(i)
    if (i == at) out(line)
  }
}
function absent(  i, count) {
  for (i = 1; i <= n; i++) if (wanted(i)) count++; else same(i)
  print count + 0 > ENVIRON["found"]
}
BEGIN {
  by = ENVIRON["by"]; what = ENVIRON["what"]; where = ENVIRON["where"]; there = ENVIRON["there"]
  line = ENVIRON["line"]; first = ENVIRON["first"]; ended = ENVIRON["ended"]
}
{ old[++n] = $0 }
END { n += 0; if (ENVIRON["state"] == "present") present(); else absent() }
' <"$work/old" >"$work/new" 2>"$work/err" || fail "awk failed: $(cat "$work/err")"

if [ "$arg_state" = absent ]; then
  give found "$(cat "$work/found")"
  [ "$(cat "$work/found")" = 0 ] || give msg "$(cat "$work/found") line(s) removed"
fi
if ! [ -e "$real" ] || ! cmp -s "$work/new" "$work/old"; then same_text "$work/new" "$real"; fi
same_attributes "$real"
