#!/bin/sh
# The rescue script of sshdoctor: run it at the console of the host that lets nobody in by SSH, best as root.
# It looks, changes nothing, shows a short verdict, and writes a capture for `sshdoctor diagnose --capture`.
