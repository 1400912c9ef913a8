"""The delivery method to open pages: topics and who may listen, the hub, and the kinds of connection."""
