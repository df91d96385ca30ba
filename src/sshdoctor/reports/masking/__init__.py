"""What --mask replaces."""
