"""What is to be done about what was found: from findings to steps of shell text, and how each is proved."""
