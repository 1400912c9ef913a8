"""What comes from outside and goes back: addresses, rates, links that stay on this site, text that people wrote."""
