"""What a host says of the web sites that it serves."""
