"""The catalogue of kinds: a page for developers and staff that shows each kind by its sample."""
