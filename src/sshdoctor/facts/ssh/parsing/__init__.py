"""Readers of what only an SSH server has: its configuration, the files of keys, its programs."""
