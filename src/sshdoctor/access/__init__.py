"""Ways in: whatever can run one POSIX shell script on a host and return its output."""
