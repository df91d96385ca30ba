"""Checks: one question a YAML file, its causes, and how the answer is found."""
