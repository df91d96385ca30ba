"""nft's JSON in, chains out."""
