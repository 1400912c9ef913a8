"""Confirmations of what people must confirm: who has not, and reminders to them."""
