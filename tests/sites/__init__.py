"""Sites that refuse, made again in containers from cases, and what the product says of them."""
