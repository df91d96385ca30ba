"""What an action of an engine would do to the rules: its commands are read and followed, never run."""
