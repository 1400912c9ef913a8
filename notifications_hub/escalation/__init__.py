"""Escalation: what happens when a person leaves a notification unread for too long."""
