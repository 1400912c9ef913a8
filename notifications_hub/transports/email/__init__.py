"""The email transport: Django's mail backends, templates that a host overrides, and links that unsubscribe."""
