"""Results: what happened to an announcement, tallied as it happens and folded into a bounded number of figures."""
