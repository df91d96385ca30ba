"""The wheel as people install it, and the files by which a CI service runs it."""
