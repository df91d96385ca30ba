"""YAML files, where those that are used stand, and whose they are."""
