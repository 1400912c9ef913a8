"""Rollouts: an announcement's deliveries by one transport, planned step by step while workers have time for them."""
