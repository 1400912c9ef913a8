"""The things that people follow: a model that a host declares, one of its rows, and the row's signed reference.

FollowError (ValueError)
├── NotFollowable   an object that is not saved, or whose model is not declared
└── BadReference    a reference that this site did not make
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.db import models
from django.utils.translation import gettext as _

from notifications_hub.database.primary import from_primary
from notifications_hub.web.site_paths import same_site_path

MAX_KEY = 200
SALT = "notifications_hub.followed"

log = logging.getLogger(__name__)

VisibleTo = Callable[[models.QuerySet[Any], Any], models.QuerySet[Any]]


class FollowError(ValueError):
    """The base of the errors of following."""


class NotFollowable(FollowError):
    """Raised for an object that is not saved, or whose model no app declares as followable."""


class BadReference(FollowError):
    """Raised for a reference that this site did not make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followable:
    """A model whose rows people may follow, as `followable()` declares it."""

    model: type[models.Model]
    may_follow: Callable[[Any, Any], bool] | None
    visible_to: VisibleTo | None
    name: Callable[[Any], object]
    url: Callable[[Any], str] | None

    def allows(self, person: Any, obj: models.Model) -> bool:
        """Return whether the person may follow the row, and may see its name. Not if a host's callable raises."""
        try:
            return self._allows(person, obj)
        except Exception:
            log.exception(
                "Whether a person may follow a %s could not be found out, so they may not", self.model.__name__
            )
            return False

    def _allows(self, person: Any, obj: models.Model) -> bool:
        if self.visible_to is not None:
            everyone = from_primary(get_user_model()._default_manager.all())
            if not self.visible_to(everyone, obj).filter(pk=person.pk).exists():
                return False
        return self.may_follow is None or bool(self.may_follow(person, obj))

    def link(self, obj: models.Model) -> str:
        url = self.url or getattr(type(obj), "get_absolute_url", None)
        return same_site_path(url(obj)) if url else ""


def is_unsaved(obj: models.Model) -> bool:
    # A UUID primary key is set before the row exists.
    return obj.pk is None or obj._state.adding


_declared: dict[type[models.Model], Followable] = {}


def followable(
    model: type[models.Model],
    *,
    may_follow: Callable[[Any, Any], bool] | None = None,
    visible_to: VisibleTo | None = None,
    name: Callable[[Any], object] = str,
    url: Callable[[Any], str] | None = None,
) -> None:
    """Let people follow the rows of a model. Declare it in a `notifications.py`.

    `may_follow(person, row)` is asked when somebody follows a row. `visible_to(people, row)` narrows a queryset of
    people to those who may see the row. It is asked at each `notify.send`, so a follower who loses that right hears
    nothing more. `name` and `url` are what lists show; by default `str` and `get_absolute_url`.
    """
    concrete = model._meta.concrete_model
    if concrete is None:
        raise TypeError(f"followable(): {model.__name__} is abstract, so no row of it can be followed.")
    _declared[concrete] = Followable(model=concrete, may_follow=may_follow, visible_to=visible_to, name=name, url=url)


def followable_models() -> list[type[models.Model]]:
    return list(_declared)


def declaration_of(model: type[models.Model] | None) -> Followable | None:
    return None if model is None else _declared.get(model._meta.concrete_model or model)


@dataclass(frozen=True, slots=True)
class Followed:
    """The key of a followed row. As text it is `12.345`: the content type's primary key and the row's."""

    content_type_id: int
    key: str

    @classmethod
    def of(cls, obj: object) -> Self:
        """Return the key of a row. Raise `NotFollowable`."""
        if not isinstance(obj, models.Model) or is_unsaved(obj):
            raise NotFollowable(f"Only a saved model instance can be followed, not {obj!r}.")
        if declaration_of(type(obj)) is None:
            name = type(obj).__name__
            remedy = f"Declare it: followable({name}) in the `notifications.py` of an installed app."
            raise NotFollowable(f"No app lets people follow a {name}. {remedy}")
        return cls.at(obj)

    @classmethod
    def at(cls, obj: models.Model) -> Self:
        """Return the key of any saved row. Raise `NotFollowable` if it is too long."""
        # A new row keeps a key as it was given, such as a UUID without hyphens.
        key = str(obj._meta.pk.to_python(obj.pk))
        if len(key) > MAX_KEY:
            raise NotFollowable(f"A primary key of {len(key)} characters is too long to follow: {MAX_KEY} at most.")
        return cls(ContentType.objects.get_for_model(obj).pk, key)

    @classmethod
    def parse(cls, text: str) -> Self:
        content_type, _dot, key = text.partition(".")
        return cls(int(content_type), key)

    @classmethod
    def from_reference(cls, reference: str) -> Self:
        """Return the key in a signed reference. Raise `BadReference`."""
        try:
            return cls.parse(signing.Signer(salt=SALT).unsign(reference))
        except (signing.BadSignature, ValueError):
            raise BadReference(_("This link doesn't work any more.")) from None

    def __str__(self) -> str:
        return f"{self.content_type_id}.{self.key}"

    @property
    def reference(self) -> str:
        """Return the signed text that pages hold. Nobody can make one for a row that no page showed them."""
        return signing.Signer(salt=SALT).sign(str(self))

    @property
    def declaration(self) -> Followable | None:
        try:
            return declaration_of(ContentType.objects.get_for_id(self.content_type_id).model_class())
        except ContentType.DoesNotExist:
            return None

    def load(self) -> models.Model | None:
        """Return the row, or None if it is gone or its model is followable no more."""
        declared = self.declaration
        if declared is None:
            return None
        found: models.Model | None = from_primary(declared.model._base_manager.filter(pk=self.key)).first()
        return found
