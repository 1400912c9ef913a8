"""A transport that fails in a way that nobody expects, so that the worker logs it."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser

from notifications_hub import Message


class Failing:
    name = "failing"
    label = "Failing"
    on_by_default = True

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        return [str(person.pk)]

    async def send(self, message: Message, address: str) -> int | None:
        raise RuntimeError("no such thing")
