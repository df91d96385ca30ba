"""Facts about its SSH server."""
