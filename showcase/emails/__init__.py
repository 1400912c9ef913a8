"""The emails of bin/run, none of which leaves this machine: kept in a folder, and shown on a page."""
