"""An app that only tests install: what the live path does each minute, it does each second, or as `TEST_HURRY` says.

Its names are those of modules of the live path; with a dot before it, of one beside that: `.server.HEAD_SECONDS`.

Its topics may be listened to by anyone signed in, so that tests need not share one.
"""
