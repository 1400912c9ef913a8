"""The rows of django-notifications, taken over by `hub_import`."""
