"""The settings dict `NOTIFICATIONS_HUB`, parsed once into a typed object.

Defaults are defined only here. `hub_settings` is read at call time, so `override_settings` works in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.module_loading import import_string

from notifications_hub.users import Person

SETTING = "NOTIFICATIONS_HUB"
DEFAULT_TRANSPORTS: Mapping[str, str] = {"web_push": "notifications_hub.transports.web_push.transport.WebPush"}
# Services whose hosts no person can choose, and three whose hosts `APPRISE_HOSTS` limits: Teams, Matrix and Zulip.
APPRISE_SCHEMAS = (
    "cliq", "dingtalk", "discord", "feishu", "flock", "gchat", "groupme", "lark", "line", "matrix", "matrixs",
    "pbul", "pover", "pushplus", "qq", "revolt", "ryver", "schan", "slack", "tgram", "threema", "twist", "viber",
    "wecombot", "webex", "whatsapp", "workflow", "workflows", "wxpusher", "wxteams", "zoom", "zulip",
    # SMS
    "46elks", "atalk", "bulksms", "bulkvs", "burstsms", "clickatell", "clicksend", "d7sms", "elks", "httpsms",
    "kavenegar", "msg91", "msgbird", "nexmo", "octopush", "plivo", "seven", "sinch", "smsmgr", "sns", "telnyx",
    "twilio", "voipms", "vonage",
)  # fmt: skip


def _language_of(person: Person) -> str:
    return str(settings.LANGUAGE_CODE)


def _time_zone_of(person: Person) -> str:
    return str(settings.TIME_ZONE)


def _whole_inbox(request: HttpRequest) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class HubSettings:
    """Each field is a key of `NOTIFICATIONS_HUB` in capitals; times are in seconds."""

    ack_window: float = 10.0
    """Seconds a visible page has to acknowledge before another delivery method is used."""
    announcement_days: int = 30
    """Days an announcement runs if its author sets no end."""
    announcement_approval_above: int | None = None
    """People in an audience above whom a second person approves an announcement; None: off. Critical ones too."""
    announcement_rate: str = "30/h"
    """Rate at which one person sends announcements from the admin; empty: no limit."""
    retention_days: int = 90
    """Days that events, settled deliveries and ended jobs are kept."""
    inbox_limit: int = 0
    """Notifications kept for a person. The oldest that they have read or archived are removed; 0: no limit."""
    embedded_worker: bool = True
    """Send due deliveries in a thread beside the hub. Turn it off if `hub_worker`, Celery or `TASK_BACKEND` does."""
    kinds_module: str = "notifications"
    """Name of the module of each app that declares kinds and topic rules."""
    live_allowed_origins: tuple[str, ...] = ()
    """Origins besides the site's own (`https://host[:port]`) whose pages may open a connection."""
    live_per_user: int = 10
    live_per_address: int = 50
    live_rate: str = "3000/m"
    """Rate at which one session or token connects, polls or changes topics in one process; empty: no limit."""
    live_anonymous: int = 2000
    """Connections of one process to visitors who are not signed in, on public topics; 0: no limit."""
    live_anonymous_per_address: int = 50
    live_anonymous_rate: str = "1200/m"
    """Rate at which visitors of one address who are not signed in connect, poll or change topics; empty: no limit."""
    transports: Mapping[str, str] = field(default_factory=lambda: DEFAULT_TRANSPORTS)
    """Names of delivery methods, each with the dotted path of its transport. The setting adds to the default; None in
    place of a path removes one."""
    kind_defaults: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names of kinds, each with the delivery methods of people who have not chosen any. They replace `Kind.methods`."""
    vapid_private_key: str = ""
    vapid_previous_key: str = ""
    vapid_subject: str = ""
    push_extra_hosts: tuple[str, ...] = ()
    webhook_extra_hosts: tuple[str, ...] = ()
    """Hosts (`host` or `host:port`) of webhooks that may be private or use plain http."""
    apprise_schemas: tuple[str, ...] = APPRISE_SCHEMAS
    """Schemes of Apprise addresses that people may add."""
    apprise_hosts: tuple[str, ...] = (".api.powerplatform.com", ".logic.azure.com", "matrix.org")
    """Hosts that people's Apprise addresses may name: an ending (`.example.com`), or one host, which may be private."""
    push_ttl: int = 86_400
    push_rate: int = 2000
    """Pushes per second that one worker sends to one push service; 0: no limit."""
    celery: bool = False
    """Run the worker in Celery: a task is sent after each commit that planned a delivery."""
    task_backend: str = ""
    """Run the worker as a Django task: the alias in `TASKS` of a backend that supports `run_after`."""
    site_url: str = ""
    """Absolute root of the site (`https://example.com`). Emails need it, and so do push links in Safari."""
    email_delay: float = 600.0
    """Seconds from the event until an email is sent, unless another delivery method reaches the person first."""
    email_from: str = ""
    """Sender of emails; empty: Django's `DEFAULT_FROM_EMAIL`."""
    email_connections: int = 4
    """Connections to the mail server that one worker keeps open."""
    email_webhook_secret: str = ""
    """Secret (`whsec_…`) with which a mail service signs its reports of bounces and complaints."""
    audiences: Mapping[str, str] = field(default_factory=dict)
    """Names of audiences, each with the dotted path of a callable that returns its members as a queryset of people."""
    language_of: Callable[[Person], str] = _language_of
    timezone_of: Callable[[Person], str | tzinfo] = _time_zone_of
    """A person's time zone, used where there is no request: in events, pushes and jobs."""
    avatar: Callable[[Any], str] | None = None
    """The address of an actor's picture: a path of this site, one that begins with https://, or an empty text."""
    inbox_replica: str = ""
    """Alias of a replica that the lists of inboxes are read from, once it has caught up with them; empty: none."""
    inbox_scope: Callable[[HttpRequest], object] = _whole_inbox
    """The value of `NotificationExtension.scope_by` that a request's page lists and counts; None: the whole inbox."""
    job_lease: float = 20.0
    """Seconds a job is presumed alive after its worker's last sign of life."""
    job_resend: float = 30.0
    """Seconds a job waits to start before its message is sent again. The wait doubles each time."""
    row_triggers: tuple[str, ...] = ()
    """Live models (`app.Model`) whose changes PostgreSQL triggers record. `hub_row_triggers` installs the triggers."""
    api_rate: str = "600/m"
    """Rate limit of API requests per person; empty: no limit."""
    api_rate_per_address: str = "6000/m"
    """Rate limit per address without a session. It must fit the push reports of a whole office's service workers."""
    service_rate: str = "600/m"
    """Rate limit of the requests of one service token; empty: no limit."""
    metrics_token: str = ""
    """Token that a scraper sends as `Authorization: Bearer`. Without it and `metrics_allow`, `/metrics` is off."""
    metrics_allow: tuple[str, ...] = ()
    """Addresses and networks (`10.1.0.0/16`) that read `/metrics` without a token, if no proxy is in between."""
    worker_metrics_listen: str = ""
    """Address (`host:port`) at which `hub_worker` and Celery answer Prometheus, with `metrics_token`; empty: off."""
    demo: str = ""
    """Dotted path of a callable that `hub_demo` calls with the demo people."""


ZONES_WANTED = "Set USE_TZ = True: a local time without its zone occurs twice each autumn, and a due time must not."


def require_time_zones() -> None:
    """Raise `ImproperlyConfigured` if `USE_TZ` is off. Call it before writing a time."""
    if not settings.USE_TZ:
        raise ImproperlyConfigured(f"Notifications Hub needs time zones. {ZONES_WANTED}")


def known_keys() -> frozenset[str]:
    return frozenset(field.name.upper() for field in fields(HubSettings))


def unknown_keys() -> list[str]:
    return sorted(set(_given()) - known_keys())


def is_given(key: str) -> bool:
    """Return whether the site sets this key, even if to its default."""
    return key in _given()


def _given() -> Mapping[str, Any]:
    return getattr(settings, SETTING, {})


_stand_ins: dict[str, Any] = {}


def stand_in(**values: Any) -> None:
    """Use these values of settings that are missing or empty, and no others from now on. For tests."""
    _stand_ins.clear()
    _stand_ins.update(values)
    load.cache_clear()


def kinds_module() -> str:
    """Return `KINDS_MODULE`. Apps are searched before the system checks, so the other keys may still be invalid."""
    given = _given().get("KINDS_MODULE")
    return given if isinstance(given, str) else HubSettings.kinds_module


@lru_cache(maxsize=1)
def load() -> HubSettings:
    """Return the parsed settings. Raise `ImproperlyConfigured` for a value of the wrong type.

    Unknown keys are left to the system check.
    """
    given: dict[str, Any] = {key.lower(): value for key, value in _given().items() if key in known_keys()}
    given |= {name: value for name, value in _stand_ins.items() if not given.get(name)}
    return HubSettings(**{name: _parsed(name, value) for name, value in given.items()})


def _parsed(name: str, value: Any) -> Any:
    if name in ("avatar", "language_of", "timezone_of", "inbox_scope") and isinstance(value, str):
        return import_string(value)
    if name == "avatar" and value is not None and not callable(value):
        raise ImproperlyConfigured(f"{SETTING}['AVATAR'] must be a callable or its dotted path, not {value!r}.")
    default = getattr(HubSettings, name, None)
    if isinstance(default, tuple):
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ImproperlyConfigured(f"{SETTING}[{name.upper()!r}] must be a list of strings, not {value!r}.")
        return tuple(value)
    if name in ("transports", "audiences", "kind_defaults") and not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{SETTING}[{name.upper()!r}] must be a dict, not {value!r}.")
    if name == "announcement_approval_above" and not _is_number_or_none(value):
        raise ImproperlyConfigured(f"{SETTING}[{name.upper()!r}] must be a number of people or None, not {value!r}.")
    if name == "kind_defaults":
        return {str(kind): _named_methods(kind, methods) for kind, methods in value.items()}
    if name == "transports":
        return {key: path for key, path in {**DEFAULT_TRANSPORTS, **value}.items() if path is not None}
    if isinstance(default, (bool, int, float, str)) and not isinstance(value, _accepted(default)):
        raise ImproperlyConfigured(
            f"{SETTING}[{name.upper()!r}] must be {type(default).__name__}, not {type(value).__name__}."
        )
    return value


def _named_methods(kind: object, methods: object) -> frozenset[str]:
    if not isinstance(methods, (list, tuple, Set)) or not all(isinstance(one, str) for one in methods):
        raise ImproperlyConfigured(
            f"{SETTING}['KIND_DEFAULTS'][{kind!r}] must be a list of delivery methods, not {methods!r}. "
            'Write {"comment.reply": ["live", "email"]}.'
        )
    return frozenset(str(one) for one in methods)


def _is_number_or_none(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _accepted(default: object) -> tuple[type, ...]:
    return (int, float) if isinstance(default, float) else (type(default),)


class _Current:
    """A proxy that reads the current settings at each access."""

    def __getattr__(self, name: str) -> Any:
        return getattr(load(), name)


if TYPE_CHECKING:
    hub_settings: HubSettings
else:
    hub_settings = _Current()


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == SETTING:
        load.cache_clear()


setting_changed.connect(_forget)
