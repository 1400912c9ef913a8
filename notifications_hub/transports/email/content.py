"""The content of an email, from the message that every delivery method shares.

The templates are `notifications_hub/email/message.html` and `message.txt`, and `digest.html` and `digest.txt` for one
that sums up several. A template `<kind>.html` beside them is used for that kind. Each extends `base.html` or
`base.txt`, whose blocks a host overrides.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.core.mail import EmailMultiAlternatives
from django.template.loader import select_template
from django.urls import NoReverseMatch, reverse
from django.utils import formats, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from notifications_hub.conf import hub_settings
from notifications_hub.kinds import kind_of
from notifications_hub.message import CONFIRM, Line, Message, Section, page_to_confirm, veiled
from notifications_hub.preference_links import preferences_of
from notifications_hub.transports.email.headers import headers_of, sender
from notifications_hub.transports.email.recipients import Recipient
from notifications_hub.transports.email.unsubscribe_links import Subscription
from notifications_hub.transports.email.wire_form import HubEmail
from notifications_hub.web.site_paths import use_script_name
from notifications_hub.web.text import balanced, storable

LONGEST_SUBJECT, LONGEST_PREVIEW = 150, 120
LONGEST_LINK = 900
"""A line of a mail has at most 998 characters (RFC 5322), and no program may fold a link."""
_READ = "read"


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


def email_for(message: Message, recipient: Recipient, *, optional: bool) -> EmailMultiAlternatives:
    """Return the email, in the message's language. `optional` is whether the person may switch one of its kinds off."""
    # This may run in a thread that no request used.
    use_script_name()
    with translation.override(message.language):
        # Its subject is shown on locked screens, and servers on the way read it all.
        shown = veiled(message)
        label = str(kind_of(message.kind).label or message.kind)
        kinds = kinds_in(message)
        kind = kinds[0] if len(kinds) == 1 else ""
        link = _link_for(kinds, recipient) if optional else ""
        context = {**_context(shown, label, kind), **_digest(shown, recipient)}
        if optional:
            all_kinds = _absolute(Subscription(recipient.pk).path)
            context |= {"unsubscribe_url": link if link != all_kinds else "", "unsubscribe_all_url": all_kinds}
        made = HubEmail(
            subject=subject_of(shown.title),
            body=_rendered(message.kind, "txt", context),
            from_email=sender(),
            to=[recipient.address],
            headers=dict(headers_of(message, recipient, list_label=_one_line(label), unsubscribe=link)),
        )
        made.attach_alternative(_rendered(message.kind, "html", context), "text/html")
        return made


def _link_for(kinds: Sequence[str], recipient: Recipient) -> str:
    """Return the link that stops exactly these kinds; if a header cannot hold it, the one that stops all."""
    link = _absolute(Subscription(recipient.pk, tuple(dict.fromkeys(kinds))).path)
    return link if len(link) <= LONGEST_LINK else _absolute(Subscription(recipient.pk).path)


def kinds_in(message: Message) -> list[str]:
    """Return the kinds of the notifications that a message is about."""
    return [section.kind for section in message.sections] or [message.kind]


def subject_of(title: str) -> str:
    """Return a title as one line without control characters, which could begin another header."""
    return balanced(Truncator(_one_line(title)).chars(LONGEST_SUBJECT))


def _one_line(text: str) -> str:
    visible = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    return " ".join(_storable(visible).split())


def _context(message: Message, label: str, kind: str) -> dict[str, Any]:
    body = _storable(message.body).strip()
    links = list(_links(message))
    return {
        "message": message,
        "title": _one_line(message.title),
        "body": body,
        "preview": Truncator(_one_line(body)).chars(LONGEST_PREVIEW),
        "link": links[0],
        "links": links[1:],
        "kind_label": label,
        "because": message.because,
        "unfollow_url": _absolute(message.unfollow_url),
        "preferences_url": _absolute(preferences_of(kind or message.kind)),
        "site_name": urlsplit(hub_settings.site_url).netloc,
        "site_url": hub_settings.site_url,
        "language": message.language,
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
    }


def _links(message: Message) -> Iterator[Link]:
    """Yield the links, the most important one first. A mail cannot mark as read, and confirms on a page."""
    if message.must_acknowledge:
        yield Link(_("Confirm"), _absolute(page_to_confirm(message) or _page("inbox")))
    if message.url or not message.must_acknowledge:
        yield Link(_("Open"), _absolute(message.url or _page("inbox")))
    for action in message.actions:
        if action.url and action.name not in (_READ, CONFIRM):
            yield Link(_one_line(str(action.title)), _absolute(action.url))


def _digest(message: Message, recipient: Recipient) -> dict[str, Any]:
    """Return what the templates of a digest need besides."""
    if not message.sections:
        return {}
    sections = [
        {
            "label": _one_line(section.label),
            "lines": [_line(line) for line in section.lines],
            "preferences_url": _absolute(preferences_of(section.kind)),
            "unsubscribe_url": _link_for([section.kind], recipient) if _is_one_of_several(section, message) else "",
        }
        for section in message.sections
    ]
    titles = " · ".join(_one_line(line.title) for section in message.sections for line in section.lines)
    return {"sections": sections, "more": message.more, "preview": Truncator(titles).chars(LONGEST_PREVIEW)}


def _is_one_of_several(section: Section, message: Message) -> bool:
    """Return whether a digest needs a link of its own for this kind, and people may stop it."""
    return len(message.sections) > 1 and kind_of(section.kind).optional


def _line(line: Line) -> dict[str, str]:
    day, clock = formats.date_format(line.at, "MONTH_DAY_FORMAT"), formats.time_format(line.at, "TIME_FORMAT")
    return {
        "title": _one_line(line.title),
        "body": _storable(line.body).strip(),
        "url": _absolute(line.url or _page("inbox")),
        "at": f"{day}, {clock}",
        "because": line.because,
        "unfollow_url": _absolute(line.unfollow_url),
    }


def _rendered(kind: str, ending: str, context: dict[str, Any]) -> str:
    names = [f"notifications_hub/email/{name}.{ending}" for name in (kind, "message")]
    text: str = select_template(names).render(context)
    return f"{text.strip()}\n"


def _storable(text: str) -> str:
    return storable(text, len(text))


def _page(name: str) -> str:
    try:
        return reverse(f"notifications_hub:{name}")
    except NoReverseMatch:
        return ""


def _absolute(path: str) -> str:
    return urljoin(hub_settings.site_url, path) if path else ""
