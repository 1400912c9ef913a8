"""A push service and a Firefox of our own, so that Web Push is tested in a real browser without the internet.

Firefox's side of the protocol is private to Firefox, and a new version may change it: the tests print the version.
"""
