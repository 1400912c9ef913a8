"""Webhooks: signed HTTP requests to addresses of people and of the site, by Standard Webhooks."""
