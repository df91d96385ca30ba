"""Playbooks: the language, and how it becomes one script for a host."""
