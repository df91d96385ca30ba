"""Hosts examined by the workers of a real Dask scheduler."""
