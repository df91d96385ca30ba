# A whole text put into a file: what copy and template share. Needs files.sh; read here of the arguments:
# arg_dest, arg_content, arg_src (may be unset), arg_force, arg_follow.

# destination, into $path: the file that arg_dest means.
destination() {
  name=${arg_src-} && name=${name##*/}
  case $arg_dest in
  */) into=1 ;;
  *) [ -d "$arg_dest" ] && into=1 || into= ;;
  esac
  whole_path "$arg_dest" && path=$whole
  [ -z "$into" ] || [ -n "$name" ] || fail "$path is a directory: dest must name the file for this content"
  case $arg_dest in */) made_directories "$path" ;; esac
  [ -z "$into" ] || path=${path%/}/$name
}

# content_installed: arg_content is what stands in the destination.
content_installed() {
  destination
  case $arg_dest in
  */) ;;
  *)
    [ -d "${path%/*}/" ] || grep -qsxF -- "${path%/*}" "$work/would-make" ||
      fail "the directory ${path%/*} does not exist"
    ;;
  esac
  if [ -n "$arg_follow" ] && [ -L "$path" ]; then real_path "$path" && path=$real; fi
  if [ -e "$path" ] && [ -z "$arg_force" ]; then
    give msg 'file already exists'
    exit 0
  fi
  [ ! -d "$path" ] || fail "$path is a directory"
  printf '%s' "$arg_content" >"$work/new"
  same_text "$work/new" "$path"
  same_attributes "$path"
}
