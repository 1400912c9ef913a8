"""Django's SQLite backend, with a fair queue for the threads that write."""
