"""Facts: what a host says of itself. One file a fact: its commands, and a pure ``parse``."""
