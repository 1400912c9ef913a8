"""The admin pages of announcements: write, preview, follow the sending, withdraw."""
