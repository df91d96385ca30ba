"""nginx: its configuration read, and a request led through it."""
