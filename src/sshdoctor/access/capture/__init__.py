"""What the rescue script saw on a host that nobody can reach, and how it was copied."""
