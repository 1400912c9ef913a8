"""Deliveries: planned with their notification, claimed by a worker, sent by a transport, settled with a reason."""
