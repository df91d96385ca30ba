"""Ill hosts made again from cases, and what an examination says of them."""
