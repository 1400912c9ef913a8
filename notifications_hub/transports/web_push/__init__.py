"""Web Push: browsers and their keys, payloads, and the HTTP to push services."""
