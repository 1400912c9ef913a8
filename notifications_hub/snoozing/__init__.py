"""Notifications that a person puts off until a time: the times to choose from, and their return."""
