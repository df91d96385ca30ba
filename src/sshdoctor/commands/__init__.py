"""One file a command: flags in, exit code out. No command imports another."""
