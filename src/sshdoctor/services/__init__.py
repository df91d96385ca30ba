"""What a client dials: one folder a service, and what the engine asks of each."""
