"""iptables-save in, chains out."""
