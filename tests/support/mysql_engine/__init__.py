"""The engine of MySQL as a check sees it where its driver is installed. There is no server, and nothing connects."""
