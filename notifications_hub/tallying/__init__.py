"""Tallying: whoever does something appends how many, and a chore adds that up. Nobody waits for a counter."""
