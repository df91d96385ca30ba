"""A packet's way through the kernel: hooks, connection tracking, and what chains do with it."""
