for word in $arg_that; do
  [ "$word" = true ] || fail "$arg_fail_msg"
done
give msg "$arg_success_msg"
