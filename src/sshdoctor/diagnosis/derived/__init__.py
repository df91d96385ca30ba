"""Facts that no host prints, one file each: put together from both sides, for each address dialled."""
