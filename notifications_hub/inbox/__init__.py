"""One person's notifications: what pages and the API ask of them."""
