"""Facts about its SSH server that no host prints: put together from others, and from what the client met."""
