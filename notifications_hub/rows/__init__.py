"""Live rows: a model is declared once, and every page that listens follows its rows.

    @live_rows(topic="post.{post_id}", fields=["body", "author_name"], related=["author"])
    class Comment(models.Model):
        objects = LiveManager()

Who sees which fields is decided by the topic: its rule says who may listen, its declaration what they see. A model may
be declared for several topics, with other fields on each.
"""

from __future__ import annotations

from notifications_hub.rows.decorator import live_rows
from notifications_hub.rows.queryset import LiveManager, LiveQuerySet

__all__ = ["LiveManager", "LiveQuerySet", "live_rows"]
