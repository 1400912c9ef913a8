"""HTTP to services outside: addresses, limits and a client that does not trust them."""
