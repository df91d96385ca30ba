"""Every regular expression of the program, and the texts that cost each the most."""
