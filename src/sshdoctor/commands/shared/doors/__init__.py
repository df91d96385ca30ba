"""What commands have in common that are about the doors of accounts."""
