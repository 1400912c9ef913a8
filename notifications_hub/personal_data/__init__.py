"""The copy of all that the hub stores about a person, and its removal."""
