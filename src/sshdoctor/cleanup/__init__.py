"""What an examination found is stopped: undoably, in order, and proved."""
