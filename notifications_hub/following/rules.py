"""Automatic following: whoever saves a row follows what it belongs to.

auto_follow(Comment, who=lambda comment: comment.author, what=lambda comment: comment.post, reason="commenter")
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.signals import post_delete, post_save, pre_delete

from notifications_hub.database import transaction
from notifications_hub.database.deletions import Deletions
from notifications_hub.following.followed import Followed, followable_models, is_unsaved
from notifications_hub.following.follows import follow_automatically
from notifications_hub.following.models import Follow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    who: Callable[[Any], Any]
    what: Callable[[Any], models.Model | None]
    reason: str
    created: bool


_rules: dict[type[models.Model], list[Rule]] = defaultdict(list)


def auto_follow(
    model: type[models.Model],
    *,
    who: Callable[[Any], Any],
    what: Callable[[Any], models.Model | None],
    reason: str,
    created: bool = True,
) -> None:
    """Let people follow a row when a row of `model` is saved. Declare it in a `notifications.py`.

    `who(row)` returns a person, several, or None, and `what(row)` the row to follow, or None. With `created=False` it
    also runs when a row is saved again, as for mentions in an edited text. Nobody who unfollowed it follows it again.
    It runs in the transaction of the save. If a callable raises, the save goes on, and the log says why.
    """
    _rules[model].append(Rule(who=who, what=what, reason=reason, created=created))
    post_save.connect(_saved, sender=model, dispatch_uid="notifications_hub.following")


def rules() -> Iterator[tuple[type[models.Model], Rule]]:
    yield from ((model, rule) for model, its in _rules.items() for rule in its)


def _rules_of(model: type[models.Model]) -> list[Rule]:
    """Return a model's rules, with those of its parents and of the model that it is a proxy of."""
    return [rule for parent in model.__mro__ for rule in _rules.get(parent, ())]


def _saved(sender: type[models.Model], instance: models.Model, created: bool, raw: bool, **kwargs: Any) -> None:
    if raw:
        return
    for rule in _rules_of(sender):
        if rule.created and not created:
            continue
        try:
            # A savepoint, so that an error of the database costs only this rule.
            with transaction.atomic():
                _follow(rule, instance)
        except Exception:
            log.exception("The rule %r of %s failed, so nobody follows by it", rule.reason, sender.__name__)


def _follow(rule: Rule, instance: models.Model) -> None:
    people = {person.pk: person for person in _people(rule.who(instance))}
    obj = rule.what(instance) if people else None
    if obj is not None:
        follow_automatically(list(people.values()), Followed.of(obj), rule.reason)


def _people(found: object) -> Iterator[Any]:
    several = found if isinstance(found, Iterable) and not isinstance(found, models.Model) else [found]
    for person in several:
        if isinstance(person, get_user_model()) and not is_unsaved(person) and person.is_active:
            yield person


def connect() -> None:
    """Connect the models that hosts declared. Call it after discovery.

    A proxy sends signals of its own, and so does a child when it is saved.
    """
    followed = followable_models()
    for model in apps.get_models():
        if _rules_of(model):
            post_save.connect(_saved, sender=model, dispatch_uid="notifications_hub.following")
        if model._meta.concrete_model in followed:
            pre_delete.connect(_before, sender=model, dispatch_uid="notifications_hub.following")
            post_delete.connect(_after, sender=model, dispatch_uid="notifications_hub.following")


# Deleted rows


def _forget(gone: list[Followed]) -> None:
    """Delete the follows of deleted rows: one statement for each content type."""
    keys: dict[int, list[str]] = defaultdict(list)
    for one in gone:
        keys[one.content_type_id].append(one.key)
    for content_type, its in keys.items():
        Follow.objects.filter(content_type=content_type, object_key__in=its).delete()


_deletions: Deletions[Followed] = Deletions(_forget)


def _before(instance: models.Model, origin: object, **kwargs: Any) -> None:
    _deletions.expect(origin, instance, [Followed.at(instance)])


def _after(instance: models.Model, origin: object, **kwargs: Any) -> None:
    _deletions.mark_deleted(origin, instance)
