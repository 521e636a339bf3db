"""The map of the whole site and API."""

from django.db import Error
from django.urls import URLPattern, URLResolver, include, path
from ninja import NinjaAPI

from collectors.api import database_away
from collectors.api import router as collectors_router
from collectors.figures import figures
from collectors.worker import any_alive
from ready.accounts.views import change_configuration, configuration, root
from ready.web import health, metrics, problems
from reports.views.home import home

api = NinjaAPI(title="READY", version="1", docs_url=None, urls_namespace="api")
problems.install(api)
api.exception_handler(Error)(database_away)
api.add_router("", collectors_router)

health.CHECKS.update(
    database=health.database,
    broker=health.broker,
    worker=lambda: "" if any_alive() else "no worker is looking at the inbox",
)
metrics.SOURCES.append(figures)

handler500 = "ready.web.errors.failed"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz/live", health.live, name="live"),
    path("healthz/ready", health.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/second-factor/", include("allauth.mfa.urls")),
    path("", include("ready.accounts.urls")),
    path("platform/", include("ready.accounts.urls_platform")),
    path("", root, name="root"),
    path("t/<slug:tenant>/", home, name="home"),
    # Before the meters' own: "key-doctor" is no meter's number.
    path("t/<slug:tenant>/", include("collectors.key_urls")),
    path("t/<slug:tenant>/", include("meters.urls")),
    path("t/<slug:tenant>/", include("readings.urls")),
    path("t/<slug:tenant>/", include("notifications.urls")),
    path("t/<slug:tenant>/", include("collectors.urls")),
    path("t/<slug:tenant>/", include("reports.urls")),
    path("t/<slug:tenant>/", include("ready.audit.urls")),
    path("t/<slug:tenant>/log-in/", include("ready.accounts.urls_sign_in")),
    path("t/<slug:tenant>/configuration/", configuration, name="configuration"),
    path("t/<slug:tenant>/configuration/", include("ready.accounts.urls_configuration")),
    path(
        "t/<slug:tenant>/configuration/change/", change_configuration, name="change_configuration"
    ),
]
