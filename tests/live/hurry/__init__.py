"""An app for tests that shortens the intervals of the live path, as `TEST_HURRY` says.

A name is `module.CONSTANT` of the live package. With a leading dot the module is beside it: `.server.HEAD_SECONDS`.

Anyone signed in may listen to its topics, so that tests need not share one.
"""
