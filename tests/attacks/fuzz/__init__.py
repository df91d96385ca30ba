"""Damaged input of every kind: nothing breaks, nothing lasts, and damage proves nothing."""
