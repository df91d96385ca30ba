"""Attacks on a host that is examined and repaired, each by somebody who has no right to what he wants."""
