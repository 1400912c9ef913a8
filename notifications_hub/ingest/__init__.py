"""Notifications from other services, over HTTP, by tokens that staff make and revoke in the admin."""
