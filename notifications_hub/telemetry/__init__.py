"""What an operator sees of a process: its metrics, the ids of requests in its log, and its traces."""
