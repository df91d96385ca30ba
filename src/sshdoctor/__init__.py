"""Finds out, from both sides, why a client cannot get in."""

__version__ = "0.1.0"
