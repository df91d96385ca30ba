"""Finds out, from both sides, why a client cannot get in by SSH."""
