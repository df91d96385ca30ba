program "$arg_cmd" sh -c "$arg_cmd"
