fail "$arg_msg"
