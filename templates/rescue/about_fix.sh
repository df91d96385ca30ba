#!/bin/sh
# A repair, planned by sshdoctor: run it as root at the console of the host. It shows the plan and asks; then it
# keeps what it changes, and the host puts all of it back by itself unless you say that a new login works.
# shellcheck disable=SC1003  # the tasks hold quotes
