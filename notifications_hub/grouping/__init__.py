"""Notifications about the same thing, shown as one while they are unread."""
