"""The database that the hub writes to: its connections and transactions, pools, counters and deletions."""
