from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.utils.safestring import SafeString

from accounts.models import User
from accounts.people import hue_of, initial_of

register = template.Library()

DEMO_PEOPLE = ("alice", "bob", "charlie", "admin")


register.filter("initial", initial_of)


@register.filter
def focused(field: BoundField) -> SafeString:
    """Render a field. In a form with errors, the first invalid field gets the focus, and only that one.

    Browsers scroll to it, also without JavaScript. They ignore `autofocus` if the address has a fragment.
    """
    form = field.form
    first = next((name for name in form.fields if name in form.errors), "")
    if not form.errors:
        return field.as_widget()
    if first:
        return field.as_widget(attrs={"autofocus": field.name == first})
    is_first = form.visible_fields()[0].name == field.name
    described: dict[str, str | bool] = {"aria-describedby": "form-errors"} if is_first else {}
    return field.as_widget(attrs={"autofocus": is_first, **described})


@register.inclusion_tag("accounts/avatar.html")
def avatar(person: User) -> dict[str, Any]:
    """Render a disc with the person's initial, in a colour that never changes."""
    return {"initial": initial_of(person), "hue": hue_of(person)}


@register.inclusion_tag("accounts/demo_sign_ins.html", takes_context=True)
def demo_sign_ins(context: template.Context) -> dict[str, Any]:
    """Render a sign-in button for each demo user that exists. Render nothing unless DEBUG is on."""
    people = User.objects.filter(username__in=DEMO_PEOPLE).order_by("pk") if settings.DEBUG else User.objects.none()
    return {"people": people, "csrf_token": context.get("csrf_token"), "next": context.get("next", "")}
