"""An app that only tests install: what the live path does each minute, it does each second, or as `TEST_HURRY` says.

Its topics may be listened to by anyone signed in, so that tests need not share one.
"""
