if [ -n "$arg_cmd" ]; then eval "set -- $arg_cmd"; else eval "set -- $arg_argv"; fi
program "$*" "$@"
