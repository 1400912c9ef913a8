"""An app of a host with tests of its own, which `test_own_tests.py` copies into a new project and runs there."""
