"""READY's figures for Prometheus: docs/reference/metrics.md lists them.

What happens inside web processes is counted there and summed over all of them (prometheus_client's
multi-process mode, switched on by `ready.serving`). What the database knows is asked at the scrape,
so it is right whatever the number of processes: the wiring adds such sources to `SOURCES`.
"""

import hmac
import os
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from ready.policy import PUBLIC, access
from ready.web.addresses import inside, networks

# Filled by the wiring: each yields metric families.
SOURCES: list[Callable[[], Iterable[Metric]]] = []

REQUESTS = Histogram(
    "ready_http_request_seconds",
    "Time from the whole request to the whole answer.",
    ["view", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10),
)


class _Sources(Collector):
    """The sources as prometheus_client wants them; says whether the database answered."""

    def collect(self) -> Iterator[Metric]:
        up = True
        found: list[Metric] = []
        try:
            for source in SOURCES:
                found.extend(source())
        except Error:
            up = False
        yield GaugeMetricFamily(
            "ready_database_up", "Whether the database answered this scrape.", value=int(up)
        )
        yield from found


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(_Sources())
    return registry


def _may_look(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    if wanted and scheme.lower() == "bearer":
        return hmac.compare_digest(token.strip().encode(), wanted.encode())
    allowed = networks(settings.METRICS_NETWORKS)
    return inside(request.META.get("REMOTE_ADDR", ""), allowed)


@access(PUBLIC)
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures, for who has the token or calls from an allowed network; 404 for others."""
    if not _may_look(request):
        raise Http404
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)
