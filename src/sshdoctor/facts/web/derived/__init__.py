"""Made of what the host says and of what the client met."""
