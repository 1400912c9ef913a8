"""Announcements: written once by an admin, in every inbox of their audience."""
