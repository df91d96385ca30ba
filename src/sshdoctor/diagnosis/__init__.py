"""Say what a client must see by what the host says, compare it with what it sees, and name the cause."""
