"""The site's settings. Only this file reads the environment; README.md lists the variables."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import redis_addresses
from config.secret_files import Env

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="only-for-debug" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY. On your own machine, DEBUG=1 is enough.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])

REDIS_URL = env.str("REDIS_URL", default="")
REDIS_MASTER = env.str("REDIS_MASTER", default="")
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")

INSTALLED_APPS = [
    "accounts",
    "showcase",
    "service_worker",
    "notifications_hub",
    "notifications",
    "channels",
    "axes",
    "csp",
    "servestatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "config.middleware.storable_requests",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.private_pages",
    "accounts.middleware.PersonalLocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.debug",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "showcase.emails.context.keeps_emails",
            ],
        },
    },
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Threads that write take turns, instead of sleeping until SQLite happens to be free.
    DATABASES["default"]["ENGINE"] = "notifications_hub.database.sqlite"
    # Under load a deferred transaction that reads first fails with "database is locked"; an immediate one waits.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }

REPLICA_URL = env.str("REPLICA_URL", default="")
if REPLICA_URL:
    DATABASES["replica"] = env.db_url("REPLICA_URL")
# Linux takes 15 minutes to notice that a server hangs or its host is gone, and a request waits that long.
_POSTGRESQL = {
    "connect_timeout": 3,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
for _database in DATABASES.values():
    if _database["ENGINE"] == "django.db.backends.postgresql":
        # A parameter of DATABASE_URL wins.
        _database["OPTIONS"] = {**_POSTGRESQL, **_database.get("OPTIONS", {})}

if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": redis_addresses.layer_hosts(REDIS_URL, REDIS_MASTER)},
        }
    }
    CACHES = {"default": redis_addresses.cache_of(REDIS_URL, REDIS_MASTER)}
else:
    # Presence is shared by all processes of the site, so a per-process memory cache would not do.
    CACHES = {
        "default": {
            "BACKEND": "notifications_hub.database.counting_cache.CountingDatabaseCache",
            "LOCATION": "django_cache",
            # By default the cache drops a third of its entries above 300, and presence with them.
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "front_page"
LOGOUT_REDIRECT_URL = "front_page"

# Wrong passwords are counted in the database, so that an unavailable cache does not lift the limit. They count per name
# and address: by name alone, anybody could lock out anybody else.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_CLIENT_IP_CALLABLE = "accounts.throttles.sign_in_address"
AXES_USERNAME_CALLABLE = "accounts.throttles.sign_in_name"
AXES_LOCKOUT_CALLABLE = "accounts.throttles.locked_out"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# The rate limit of each form; "" means no limit. One address may be a whole office.
RATES = {
    "sign_in": {"person": "", "address": "60/10m"},
    "sign_up": {"person": "", "address": "20/h"},
    "password": {"person": "10/h", "address": ""},
    "post": {"person": "6/m", "address": "60/m"},
    "reply": {"person": "20/m", "address": "200/m"},
    "room": {"person": "6/m", "address": "60/m"},
    "member": {"person": "20/m", "address": "200/m"},
    "report": {"person": "4/m", "address": "20/m"},
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

FORCE_SCRIPT_NAME = env.str("FORCE_SCRIPT_NAME", default="") or None
STATIC_URL = f"{FORCE_SCRIPT_NAME or ''}/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# While developing, files are served from where they are; a production server serves what collectstatic collected.
SERVESTATIC_USE_FINDERS = DEBUG
if not DEBUG:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "config.static_storage.HashedStaticFiles"},
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

NOTIFICATIONS_NOTIFICATION_MODEL = "notifications_hub.Notification"
MESSAGE_STORAGE = "notifications_hub.flash.Storage"
NOTIFICATIONS_HUB = {
    "VAPID_PRIVATE_KEY": env.str("VAPID_PRIVATE_KEY", default=""),
    "VAPID_PREVIOUS_KEY": env.str("VAPID_PREVIOUS_KEY", default=""),
    "VAPID_SUBJECT": env.str("VAPID_SUBJECT", default=""),
    "PUSH_EXTRA_HOSTS": env.list("PUSH_EXTRA_HOSTS", default=[]),
    "EMBEDDED_WORKER": not CELERY_BROKER_URL,
    "CELERY": bool(CELERY_BROKER_URL),
    "INBOX_REPLICA": "replica" if REPLICA_URL else "",
    "LIVE_PER_USER": env.int("LIVE_PER_USER", default=10),
    "LIVE_RATE": env.str("LIVE_RATE", default="3000/m"),
    "LIVE_PER_ADDRESS": env.int("LIVE_PER_ADDRESS", default=50),
    "INBOX_LIMIT": env.int("INBOX_LIMIT", default=0),
    "METRICS_TOKEN": env.str("METRICS_TOKEN", default=""),
    "METRICS_ALLOW": env.list("METRICS_ALLOW", default=[]),
    "WORKER_METRICS_LISTEN": env.str("WORKER_METRICS_LISTEN", default=""),
    "LANGUAGE_OF": "accounts.people.language_of",
    "TIMEZONE_OF": "accounts.people.time_zone_of",
    "AVATAR": "accounts.people.picture_of" if env.bool("DEMO_PICTURES", default=False) else None,
    "DEMO": "showcase.demo.make",
}

# The folder in which bin/run keeps emails, for its page of them.
EMAIL_FOLDER = env.str("EMAIL_FOLDER", default="") if DEBUG else ""
if EMAIL_FOLDER:
    _keep = "showcase.emails.folder.FolderBackend"
    if django.VERSION >= (6, 1):
        MAILERS = {"default": {"BACKEND": _keep}}
    else:
        EMAIL_BACKEND = _keep
    NOTIFICATIONS_HUB |= {
        "TRANSPORTS": {"email": "notifications_hub.transports.email.transport.Email"},
        "SITE_URL": env.str("SITE_URL", default="http://127.0.0.1:8000"),
        "EMAIL_FROM": "Notifications Hub <hub@example.com>",
        # Nobody who tries it out waits ten minutes.
        "EMAIL_DELAY": 30,
    }

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = redis_addresses.broker_options(CELERY_BROKER_URL, REDIS_MASTER)
CELERY_TASK_IGNORE_RESULT = True
# Messages are data: pickle would run code for anyone who can write to the broker.
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # keeps no schedule file, because tasks run every few seconds
CELERY_BEAT_SCHEDULE = {
    "send-due": {"task": "notifications_hub.send_due", "schedule": 1.0, "options": {"expires": 2}},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# The folder in which bin/run keeps the messages for its own worker. It is used only without a broker.
CELERY_FOLDER = "" if CELERY_BROKER_URL else env.str("CELERY_FOLDER", default="")
if CELERY_FOLDER:
    CELERY_BROKER_URL = "filesystem://localhost"
    CELERY_BROKER_TRANSPORT = "config.folder_broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": f"{CELERY_FOLDER}/messages",
        "data_folder_out": f"{CELERY_FOLDER}/messages",
        "control_folder": f"{CELERY_FOLDER}/control",
        "polling_interval": 0.2,
    }
if CELERY_BROKER_URL:
    # Make it the current Celery application of this process. A site without a broker skips the import.
    import_module("config.celery")

X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = "Lax"
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # probes use plain HTTP inside the network
    SESSION_COOKIE_SECURE = env.bool("SESSION_COOKIE_SECURE", default=True)
    CSRF_COOKIE_SECURE = env.bool("CSRF_COOKIE_SECURE", default=True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

LOG_FORMAT = env.str("LOG_FORMAT", default="plain")
if LOG_FORMAT not in ("plain", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT is 'plain' or 'json', not {LOG_FORMAT!r}.")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"console": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "console"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"axes": {"level": "WARNING"}},  # INFO would log every sign-in and sign-out
}
if LOG_FORMAT == "json":
    MIDDLEWARE.insert(0, "notifications_hub.request_ids.middleware")
    LOGGING["formatters"] = {"console": {"()": "notifications_hub.json_logs.JsonFormatter"}}
    # With DEBUG, Django's own handler would write each line again, as text.
    LOGGING["loggers"] = {**LOGGING["loggers"], "django": {"handlers": []}}
