"""What ``remediate --cause`` takes of what `examine` finds."""

CAUSES = {"account-misused": "misuse", "form-abused": "abuse", "own-load": "load"}
"""Each with the kind of an examination that it mends."""
