"""One file a command: flags in, exit code out. None imports another; ``shared`` is for what they share."""
