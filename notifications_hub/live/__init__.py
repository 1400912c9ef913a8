"""Live delivery to open pages: topics and their rules, the hub, and the kinds of connection."""
