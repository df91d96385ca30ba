"""Facts about the host itself, whatever it serves."""
