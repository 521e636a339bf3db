"""Every setting of READY, read from the environment.

Development needs none: the supervisor (`ready.local`) generates what it must. Production
(`READY_ENV=production`) refuses to start on a missing secret or a development default. A value
that cannot be read stops the start, naming the variable. docs/reference/settings.md lists them
(a test keeps the two in step).
"""

import base64
import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from ready.web import mail
from ready.web.addresses import networks

BASE_DIR = Path(__file__).resolve().parent.parent


def env_text(name: str, default: str | None = None) -> str:
    """The variable's text, or that of the file NAME_FILE points to (secrets in containers)."""
    path = os.environ.get(f"{name}_FILE")
    value = Path(path).read_text().strip() if path else os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set")
    return value


def env_int(name: str, default: int) -> int:
    """The variable as a whole number."""
    text = env_text(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={text!r} is not a whole number") from None


def env_list(name: str, default: str | None) -> list[str]:
    """The variable's comma-separated parts."""
    return [part.strip() for part in env_text(name, default).split(",") if part.strip()]


def env_numbers(name: str, default: str) -> dict[str, int]:
    """The variable's whole numbers by name, as in "one=7,other=30"."""
    found = {}
    for part in env_list(name, default):
        word, _, digits = part.partition("=")
        if not digits.strip().isdecimal():
            raise ImproperlyConfigured(f"{name}: {part!r} is no name=number")
        found[word.strip()] = int(digits)
    return found


def database(url: str) -> dict[str, object]:
    """Django's dictionary for a postgres:// URL; a socket folder goes into ?host=."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres://")
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": query.get("port", str(parts.port or "")),
        # Beginning anew makes a request wait for a new process of the database's.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "application_name": "ready",
            "connect_timeout": 5,
            # A server that vanished without a word is noticed within a minute.
            "keepalives": 1,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
    }


ENV = env_text("READY_ENV", "development")
if ENV not in ("development", "test", "production"):
    raise ImproperlyConfigured(f"READY_ENV={ENV!r}: choose development, test or production")
PRODUCTION = ENV == "production"
DEBUG = False

# Good enough to look at the code and run checks; never for a utility.
_DEVELOPMENT_SECRET = "development-only-" + "x" * 48
_DEVELOPMENT_MASTER_KEY = base64.b64encode(b"development-only-master-key-32by").decode()
_DEVELOPMENT_DATABASE = "postgres://ready_app@localhost/ready"

SECRET_KEY = env_text("READY_SECRET_KEY", None if PRODUCTION else _DEVELOPMENT_SECRET)
MASTER_KEY = env_text("READY_MASTER_KEY", None if PRODUCTION else _DEVELOPMENT_MASTER_KEY)
DATABASES = {
    "default": database(env_text("DATABASE_URL", None if PRODUCTION else _DEVELOPMENT_DATABASE))
}
REDIS_URL = env_text("REDIS_URL", None if PRODUCTION else "redis://localhost:6379/0")
DATA_DIR = Path(env_text("READY_DATA_DIR", str(BASE_DIR / ".ready-data")))
ALLOWED_HOSTS = env_list("READY_ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1]")
# Opens what an earlier master key sealed, until `manage.py rotate_keys` has sealed it anew.
MASTER_KEYS_OLD = env_list("READY_MASTER_KEY_OLD", "")
# Signs the audit log's heads (Ed25519); in development it follows from the master key.
AUDIT_KEY = env_text("READY_AUDIT_KEY", None if PRODUCTION else "")
AUDIT_OLD_KEYS = env_list("READY_AUDIT_OLD_KEYS", "")
AUDIT_HEADS = env_text("READY_AUDIT_HEADS", str(DATA_DIR / "audit-heads.jsonl"))
BASE_URL = env_text("READY_BASE_URL", None if PRODUCTION else "http://127.0.0.1:8000/")
# Only these may say for whom they speak (X-Forwarded-*); from others it is struck out.
TRUSTED_PROXIES = env_list("READY_TRUSTED_PROXIES", None if PRODUCTION else "")
try:
    networks(TRUSTED_PROXIES)
except ValueError as error:
    raise ImproperlyConfigured(f"READY_TRUSTED_PROXIES: {error}") from None


if PRODUCTION:
    if SECRET_KEY == _DEVELOPMENT_SECRET or len(SECRET_KEY) < 50:
        raise ImproperlyConfigured("READY_SECRET_KEY must be a random text of 50 or more letters")
    if MASTER_KEY == _DEVELOPMENT_MASTER_KEY:
        raise ImproperlyConfigured("READY_MASTER_KEY is the development key")
    if not AUDIT_KEY:
        raise ImproperlyConfigured("READY_AUDIT_KEY is empty")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("READY_ALLOWED_HOSTS must name the hosts READY answers for")
    if not BASE_URL.startswith("https://"):
        raise ImproperlyConfigured("READY_BASE_URL must begin with https://")
try:
    if any(
        len(base64.b64decode(key, validate=True)) != 32 for key in [MASTER_KEY, *MASTER_KEYS_OLD]
    ):
        raise ValueError
except ValueError:
    raise ImproperlyConfigured(
        "READY_MASTER_KEY and READY_MASTER_KEY_OLD must be 32 bytes in base64"
    ) from None
try:
    if AUDIT_KEY and len(base64.b64decode(AUDIT_KEY, validate=True)) != 32:
        raise ValueError
except ValueError:
    raise ImproperlyConfigured("READY_AUDIT_KEY must be 32 bytes in base64") from None

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",  # its templates, so that ours may stand beside them (FORM_RENDERER)
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "leaflet",
    "ready.web",
    "ready.tenancy",
    "ready.audit",
    "ready.accounts",
    "meters",
    "readings",
    "notifications",
    "collectors",
    "reports",
]

MIDDLEWARE = [
    "ready.web.middleware.ProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "ready.web.walls.WallsMiddleware",
    "ready.web.middleware.RequestIdMiddleware",
    "ready.web.middleware.NotStoredMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ready.accounts.middleware.LanguageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "ready.accounts.trail.TrailMiddleware",
    "ready.accounts.middleware.KnownDeviceMiddleware",
    "ready.accounts.middleware.TenantMiddleware",
    "ready.accounts.middleware.AccessMiddleware",
]

ROOT_URLCONF = "ready.urls"
WSGI_APPLICATION = "ready.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ready.accounts.context_processors.shell",
            ]
        },
    }
]

# Codes once used and requests counted, for all processes alike; the broker may be away.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "ready_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

DEFAULT_AUTO_FIELD = "django.db.models.AutoField"  # int4: half of a reading's key
TEST_RUNNER = "django.test.runner.DiscoverRunner"

# ── People ────────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        # NIST SP 800-63B: length and a list of known-bad passwords, no composition rules.
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "ready.accounts.passwords.PredictableValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "accounts:switch"
ACCOUNT_ADAPTER = "ready.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGIN_TIMEOUT = 300
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # the other sessions end: ready.accounts.sessions
# Failed log-ins are counted by ready.accounts.throttle; this one guards second factors.
ACCOUNT_RATE_LIMITS = {"login_failed": "5/5m/key"}

# Second factors. Whoever has one is asked for it; who must have one: ready.policy.
MFA_ADAPTER = "ready.accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {"add_webauthn": "ready.accounts.passkeys.AddPasskeyForm"}
MFA_TOTP_ISSUER = "READY"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION  # http://localhost; browsers refuse others
REQUIRE_SECOND_FACTOR = PRODUCTION or env_int("READY_REQUIRE_SECOND_FACTOR", 0) != 0
# A stolen, forgotten or shared computer: minutes without a request until a session ends.
SESSION_IDLE_MINUTES = env_int("READY_SESSION_IDLE_MINUTES", 60)

SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
if PRODUCTION:
    # __Host-: this host only, TLS only, whole path (ASVS 3.3.1, 3.3.3).
    SESSION_COOKIE_NAME = "__Host-ready-session"
    CSRF_COOKIE_NAME = "__Host-ready-csrf"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^api/", r"^healthz/"]  # ASVS 4.1.2: an API does not redirect
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Where pictures may come from; tiles of the map add their host below.
_IMAGES: list[str] = [SELF, "data:", "blob:"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": [SELF, NONCE],
        # The hash is that of the one empty style element Plotly makes.
        "style-src": [SELF, NONCE, "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"],
        "img-src": _IMAGES,
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
        "manifest-src": [SELF],
    }
}


# ── Languages and time ────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("da", _("Danish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # pages convert to the tenant's zone

# ── Files ─────────────────────────────────────────────────────────────────────────────────────
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = False
MEDIA_ROOT = DATA_DIR / "media"

# ── Broker and work ───────────────────────────────────────────────────────────────────────────
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None  # the row is the queue; nobody reads a task's result
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
# A doorbell that cannot be rung must not hold up a push.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 1.0,
    "socket_connect_timeout": 1.0,
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False

# ── The push endpoint (docs/reference/push.md) ────────────────────────────────────────────────
PUSH_MAX_BODY_BYTES = env_int("READY_PUSH_MAX_BODY_BYTES", 1024 * 1024)
PUSH_MAX_INFLATED_BYTES = env_int("READY_PUSH_MAX_INFLATED_BYTES", 8 * 1024 * 1024)
PUSH_MAX_TELEGRAMS = env_int("READY_PUSH_MAX_TELEGRAMS", 5000)
PUSH_MAX_BACKLOG = env_int("READY_PUSH_MAX_BACKLOG", 20000)
PUSH_MAX_BACKLOG_AGE_S = env_int("READY_PUSH_MAX_BACKLOG_AGE_S", 300)
PUSH_RATE_PER_MINUTE = env_int("READY_PUSH_RATE_PER_MINUTE", 600)
PUSH_AT_ONCE = env_int("READY_PUSH_AT_ONCE", 1)
# The folder by which a web process judges the disk that the database writes to.
DISK_PATH = Path(env_text("READY_DISK_PATH", str(DATA_DIR)))
MIN_FREE_DISK_PERCENT = env_int("READY_MIN_FREE_DISK_PERCENT", 15)
ENOUGH_FREE_DISK_GB = env_int("READY_ENOUGH_FREE_DISK_GB", 50)
# How long raw bodies stay once all their items are settled, and quarantined telegrams by reason.
BODY_DAYS = env_int("READY_BODY_DAYS", 7)
QUARANTINE_DAYS = env_numbers("READY_QUARANTINE_DAYS", "unknown_meter=7")
# How long an outbox entry stays after it was delivered or given up.
OUTBOX_DAYS = env_int("READY_OUTBOX_DAYS", 30)
DATA_UPLOAD_MAX_MEMORY_SIZE = max(PUSH_MAX_BODY_BYTES, 2 * 1024 * 1024)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
# A file of keys (meters.formats.keyfiles.LARGEST_FILE) never lies on a disk on its way in.
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# ── Mail: to the server of READY_SMTP_URL; without one, in development, into files ───────────────
SMTP_URL = env_text("READY_SMTP_URL", None if PRODUCTION else "")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env_text(
    "READY_MAIL_FROM", None if PRODUCTION else "READY <ready@localhost>"
)
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mail"
if PRODUCTION and not SMTP_URL:
    # Links that open accounts would pile up in a folder, and nobody would get them.
    raise ImproperlyConfigured("READY_SMTP_URL is empty")
if SMTP_URL:
    try:
        globals().update(mail.smtp(SMTP_URL))
    except ValueError as error:
        raise ImproperlyConfigured(f"READY_SMTP_URL {error}") from None

# ── Watching READY (docs/reference/metrics.md) ────────────────────────────────────────────────
METRICS_TOKEN = env_text("READY_METRICS_TOKEN", "")
METRICS_NETWORKS = env_list("READY_METRICS_NETWORKS", "" if PRODUCTION else "127.0.0.1,::1")
try:
    networks(METRICS_NETWORKS)
except ValueError as error:
    raise ImproperlyConfigured(f"READY_METRICS_NETWORKS: {error}") from None
if METRICS_TOKEN and len(METRICS_TOKEN) < 20:
    raise ImproperlyConfigured("READY_METRICS_TOKEN must have 20 or more letters")
LOG_FORMAT = env_text("READY_LOG_FORMAT", "json" if PRODUCTION else "line")
if LOG_FORMAT not in ("json", "line"):
    raise ImproperlyConfigured(f"READY_LOG_FORMAT={LOG_FORMAT!r}: choose json or line")

# ── The map (docs/how-to/map.md) ──────────────────────────────────────────────────────────────
MAP_TILES = env_text("READY_MAP_TILES", "")
MAP_ATTRIBUTION = env_text("READY_MAP_ATTRIBUTION", "")
MAP_STREET_VIEW = env_text(
    "READY_MAP_STREET_VIEW",
    "https://www.google.com/maps/@?api=1&map_action=pano&viewpoint={latitude},{longitude}",
)
if MAP_TILES:
    _tiles = urlsplit(MAP_TILES)
    if _tiles.scheme != "https" or not all(part in MAP_TILES for part in ("{z}", "{x}", "{y}")):
        raise ImproperlyConfigured("READY_MAP_TILES must be https:// with {z}, {x} and {y}")
    # The browser may fetch pictures from this host and no other.
    _host = f"https://{_tiles.netloc.replace('{s}', '*')}"
    _IMAGES.append(_host)
LEAFLET_CONFIG: dict[str, object] = {
    "TILES": [("map", MAP_TILES, MAP_ATTRIBUTION)] if MAP_TILES else []
}

# The largest body of any request; the limits of each form and endpoint are below it.
UPLOAD_MAX_BYTES = env_int("READY_UPLOAD_MAX_BYTES", 32 * 1024 * 1024)
# Hosts that webhooks and single sign-on may reach although they are not on the internet.
OUTBOUND_PRIVATE = frozenset(env_list("READY_OUTBOUND_PRIVATE", ""))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "ready.web.middleware.RequestIdFilter"},
        "secrets": {"()": "ready.web.logs.SecretsFilter"},
    },
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"},
        "json": {"()": "ready.web.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["request_id", "secrets"],
        }
    },
    "root": {"handlers": ["console"], "level": env_text("READY_LOG_LEVEL", "INFO")},
}
