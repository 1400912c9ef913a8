"""Input from outside: client addresses, rate limits, links that stay on this site, and text that people wrote."""
