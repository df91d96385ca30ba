"""The service SSH: how it greets, what its files say, which units and processes are its own."""
