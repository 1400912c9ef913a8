"""Actions with a result: buttons of a notification that run a function of its kind, once for everyone who has it."""
