"""Apprise: a hundred chat and SMS services, by the library of that name."""
