"""Web Push: browsers and their keys, payloads, and HTTP to push services."""
