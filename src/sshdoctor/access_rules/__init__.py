"""What a web server's rules do with one request: models of nginx and Apache, held against the real ones."""
