"""The admin's pages of who has not confirmed, each with a button that reminds them."""
