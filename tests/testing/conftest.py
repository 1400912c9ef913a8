"""The fixture of the plugin, which this repository's own run does not load."""

from __future__ import annotations

from notifications_hub.testing.plugin import notified

__all__ = ["notified"]
