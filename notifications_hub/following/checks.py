"""System checks of what hosts declare about following: report mistakes at start-up, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from notifications_hub.following.followed import followable_models
from notifications_hub.following.reasons import known_reasons
from notifications_hub.following.rules import rules


@register(Tags.models)
def check_following(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return list(_problems())


def _problems() -> Iterator[CheckMessage]:
    known = known_reasons()
    for model, rule in rules():
        if rule.reason not in known:
            yield Error(
                f"auto_follow({model.__name__}): nobody declares the reason {rule.reason!r}.",
                hint=f"Declare a FollowReason with that code, or use one of {', '.join(known)}.",
                obj=model,
                id="notifications_hub.E074",
            )
    if not followable_models() and (declared := next(rules(), None)):
        yield Error(
            f"auto_follow({declared[0].__name__}) has nothing to follow, because no model is declared.",
            hint="Write followable(Post) in the `notifications.py` of an app.",
            obj=declared[0],
            id="notifications_hub.E075",
        )
