"""Addresses that people add for themselves: stored sealed, and shown to nobody as a whole."""
