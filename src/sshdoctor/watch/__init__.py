"""Keeps looking at services from outside, and tells people when one is down, and when it is back."""
