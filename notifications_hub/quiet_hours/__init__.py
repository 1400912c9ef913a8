"""Quiet hours: when a person wants no pushes and no emails, and the one message that sums up what waited."""
