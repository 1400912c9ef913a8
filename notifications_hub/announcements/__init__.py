"""Announcements: an admin writes one once, and it appears in every inbox of its audience."""
