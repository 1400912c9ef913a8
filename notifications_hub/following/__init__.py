"""Following: who wants to hear about one thing, why, and until when not."""
