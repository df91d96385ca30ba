whole_path "$arg_path" && path=$whole
[ -e "$path" ] || fail "$path does not exist"
real_path "$path"
readable_text "$real"
is_ended "$work/old" && ended=1 || ended=

# What matches becomes two bytes that no text holds first: awks differ about & and \ in a replacement.
LC_ALL=C regexp=$arg_regexp by=$arg_replace ended=$ended count="$work/count" awk '
BEGIN { pattern = ENVIRON["regexp"]; by = ENVIRON["by"]; hole = "\001\002" }
function filled(text,  at, whole) {
  while (at = index(text, hole)) {
    whole = whole substr(text, 1, at - 1) by
    text = substr(text, at + 2)
  }
  return whole text
}
NR > 1 { print line }
{ line = $0; if (!index(line, hole) && (found = gsub(pattern, hole, line))) { all += found; line = filled(line) } }
END { if (NR) printf "%s%s", line, ENVIRON["ended"] ? "\n" : ""; print all + 0 > ENVIRON["count"] }
' <"$work/old" >"$work/new" 2>"$work/err" || fail "awk failed: $(cat "$work/err")"

if ! cmp -s "$work/new" "$work/old"; then
  give msg "$(cat "$work/count") replacements made"
  same_text "$work/new" "$real"
fi
same_attributes "$real"
