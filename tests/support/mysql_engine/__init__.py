"""A stand-in for MySQL's engine with its driver, for system checks. There is no server, and nothing connects."""
