"""Following: the people who want to hear about one thing, their reasons, and their mutes."""
