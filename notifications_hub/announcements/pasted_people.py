"""People named in a text: by user name, e-mail address or primary key.

The names stand one a line, or are separated by commas or semicolons.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from notifications_hub import audience_lists
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import from_primary
from notifications_hub.web.text import is_storable

_SEPARATORS = re.compile(r"[\n\r,;]+")
_AT_ONCE = 5000
_LISTED = 20
"""Names that an error lists, so that a wrong column of a table does not fill the page."""


@dataclass(frozen=True, slots=True)
class NamedPeople:
    """People by the name that stands for them, and the names that stand for nobody, several, or inactive people."""

    by_name: Mapping[str, Any]
    """Primary keys by name. Two names may stand for one person."""
    unknown: Sequence[str] = ()
    ambiguous: Sequence[str] = ()
    inactive: Sequence[str] = ()

    @property
    def people(self) -> list[Any]:
        """The primary keys of the people, each once."""
        return list(dict.fromkeys(self.by_name.values()))

    def problems(self) -> list[str]:
        """Return what is wrong, a sentence for each kind."""
        found = [
            (self.unknown, _("Nobody has this user name, e-mail address or key: %(names)s.")),
            (self.ambiguous, _("Several people have this e-mail address, so use their user names: %(names)s.")),
            (self.inactive, _("These accounts are deactivated: %(names)s.")),
        ]
        return [text % {"names": _listed(names)} for names, text in found if names]


def names_in(text: str) -> list[str]:
    """Return the names in a text, each once."""
    return list(dict.fromkeys(name for part in _SEPARATORS.split(text) if (name := part.strip())))


def find_people(text: str) -> NamedPeople:
    """Look the people of a text up. Raise `ValidationError` if it has no names, or more than a list may have."""
    names = names_in(text)
    if not names:
        raise ValidationError(_("Choose at least one person."))
    audience_lists.check_number(len(names))
    return named_people(names)


def named_people(names: Sequence[str], *, by_email: bool = True) -> NamedPeople:
    """Look names up, as user names first. No index finds e-mail addresses, so leave them out where requests wait."""
    left = [name for name in names if is_storable(name)]
    found: dict[str, list[tuple[Any, bool]]] = {}
    for find in (_by_user_name, _by_email, _by_key) if by_email else (_by_user_name, _by_key):
        found |= find(left)
        left = [name for name in left if name not in found]
    return NamedPeople(
        by_name={name: its[0][0] for name, its in found.items() if len(its) == 1 and its[0][1]},
        unknown=[name for name in names if name not in found],
        ambiguous=[name for name in names if len(found.get(name, ())) > 1],
        inactive=[name for name in names if [is_active for _pk, is_active in found.get(name, ())] == [False]],
    )


def text_naming(people: QuerySet[Any]) -> str:
    """Return a text that `find_people` reads as these people, one a line."""
    return "\n".join(name_of(person) for person in people.order_by("pk"))


def name_of(person: Any) -> str:
    """Return the name that stands for a person in a text: the user name, or else the primary key."""
    name = str(person.get_username())
    return name if names_in(name) == [name] else str(person.pk)


def email_field() -> str:
    """Return the field of e-mail addresses, or an empty text if the host's user model has none."""
    model = get_user_model()
    name = str(model.get_email_field_name())
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return ""
    return name


_Found = dict[str, list[tuple[Any, bool]]]
"""The primary keys of the people whom each name stands for, and whether they are active."""


def _by_user_name(names: Collection[str]) -> _Found:
    model = get_user_model()
    normalized = {name: model.normalize_username(name) for name in names}
    return _matching(normalized, model.USERNAME_FIELD, _everybody())


def _by_email(names: Collection[str]) -> _Found:
    field = email_field()
    addresses = {name: name.lower() for name in names if "@" in name}
    if not field or not addresses:
        return {}
    return _matching(addresses, "lowered", _everybody().annotate(lowered=Lower(field)))


def _by_key(names: Collection[str]) -> _Found:
    keys = dict(_keys(names))
    return _matching(keys, "pk", _everybody())


def _keys(names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    key = get_user_model()._meta.pk
    for name in names:
        try:
            value = key.to_python(name)
            key.run_validators(value)
        except ValidationError:
            continue
        # Python reads "1_2" as 12, but it is more likely a mistyped user name.
        if not isinstance(value, int) or str(value) == name:
            yield name, value


def _matching(wanted: dict[str, Any], field: str, people: QuerySet[Any]) -> _Found:
    """Return the people whose field has the value wanted for each name."""
    by_value: dict[Any, list[tuple[Any, bool]]] = defaultdict(list)
    for some in chunks(dict.fromkeys(wanted.values()), _AT_ONCE):
        for person in people.filter(**{f"{field}__in": some}):
            by_value[getattr(person, field)].append((person.pk, bool(person.is_active)))
    return {name: by_value[value] for name, value in wanted.items() if value in by_value}


def _everybody() -> QuerySet[Any]:
    return from_primary(get_user_model()._default_manager.all())


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(name[:100] for name in names[:_LISTED])
    more = len(names) - _LISTED
    return _("%(names)s and %(number)d more") % {"names": listed, "number": more} if more > 0 else listed
