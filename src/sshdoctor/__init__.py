"""Finds out, from both sides, why a client cannot get in by SSH."""

__version__ = "0.1.0"
