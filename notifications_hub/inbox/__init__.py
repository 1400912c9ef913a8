"""One person's notifications: the queries, the changes, the pages and the API."""
