"""Charts: small pictures made by the server, each beside its table."""
