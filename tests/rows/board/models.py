"""Live models of every sort. They do not refer to the site's models, because a site's database lacks their tables."""

from __future__ import annotations

from uuid import uuid4

from django.db import models

from notifications_hub import LiveManager, live_rows


class Author(models.Model):
    name = models.CharField(max_length=100)


class Thread(models.Model):
    title = models.CharField(max_length=100, default="Tea")


@live_rows(topic="moderators", fields=["body", "author_name", "address"], related=["author"])
@live_rows(
    topic=lambda note: None if note.hidden else f"thread.{note.thread_id}",
    fields=["body", "author_name"],
    related=["author"],
)
class Note(models.Model):
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(Author, on_delete=models.SET_NULL, null=True)
    body = models.TextField()
    address = models.CharField(max_length=40, default="192.0.2.1")
    hidden = models.BooleanField(default=False)
    views = models.IntegerField(default=0)
    slug = models.CharField(max_length=40, null=True, unique=True)  # noqa: DJ001 -- unique only where there is one

    objects = LiveManager()

    def author_name(self) -> str:
        return self.author.name if self.author else ""


class Whisper(Note):
    """The same rows in a proxy class."""

    class Meta:
        proxy = True


@live_rows(topic="signs", fields=["text"], name="shop.sign")
class Sign(models.Model):
    text = models.CharField(max_length=100)

    objects = LiveManager()


@live_rows(topic="depot.{depot}", fields=["due", "weight", "label", "contents", "handed_over", "took"])
class Parcel(models.Model):
    """Columns of types that JSON does not have, in a table whose name must be quoted."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    depot = models.IntegerField(db_column="at depot")
    due = models.DateTimeField()
    handed_over = models.DateField(null=True)
    took = models.DurationField(null=True)
    weight = models.DecimalField(max_digits=30, decimal_places=20)
    contents = models.JSONField(default=dict)
    code = models.BinaryField(default=b"")

    objects = LiveManager()

    class Meta:
        db_table = "Parcels on their way"

    def label(self) -> str:
        return bytes(self.code).hex()


class Lit(Sign):
    """Signs with more columns, in a table of their own."""

    colour = models.CharField(max_length=10)
