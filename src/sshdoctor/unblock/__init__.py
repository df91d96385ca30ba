"""What would let a client in: whose the rule is that stops it, what opens it, and what is met then."""
