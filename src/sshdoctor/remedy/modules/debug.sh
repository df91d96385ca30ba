give msg "$arg_msg"
