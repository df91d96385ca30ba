"""A host that nobody can reach: a script for its console, and the way back for what the script saw."""
