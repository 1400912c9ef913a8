"""An app, installed only by tests, that overrides constants of the live path from `TEST_HURRY`.

Its keys name a module of `notifications_hub.live` and a constant, for example `hub.SWEEP_SECONDS`. After a leading dot
the module is one of `notifications_hub`: `.ops.web_server.HEAD_SECONDS`.

Anyone signed in may listen to its topics, so that tests need not share one.
"""
