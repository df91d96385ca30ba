"""Readers that several facts share."""
