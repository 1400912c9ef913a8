"""Live rows: a model is declared once, and every listening page follows its rows.

    @live_rows(topic="post.{post_id}", fields=["body", "author_name"], related=["author"])
    class Comment(models.Model):
        objects = LiveManager()

The topic decides access: its rule says which people may listen, and its declaration which fields they see. A model may
be declared for several topics, with other fields on each.
"""

from __future__ import annotations

from notifications_hub.rows.decorator import live_rows
from notifications_hub.rows.queryset import LiveManager, LiveQuerySet

__all__ = ["LiveManager", "LiveQuerySet", "live_rows"]
