"""What the database knows of the inbox, as Prometheus metrics: asked at each scrape."""

from collections.abc import Iterator

from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from collectors import pressure
from collectors.counts import endings_today
from collectors.models import Collector
from collectors.outcomes import Outcome
from collectors.worker import any_alive
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant


def figures() -> Iterator[Metric]:
    """Per utility and collector; counters begin anew at midnight UTC."""
    telegrams = CounterMetricFamily(
        "ready_telegrams",
        "Telegrams worked on since midnight UTC, by what became of them.",
        labels=["utility", "collector", "outcome"],
    )
    batches = CounterMetricFamily(
        "ready_batches",
        "Pushes worked on since midnight UTC.",
        labels=["utility", "collector"],
    )
    heard = GaugeMetricFamily(
        "ready_collector_heard_timestamp_seconds",
        "When the collector last pushed, as Unix time.",
        labels=["utility", "collector"],
    )
    backlog = GaugeMetricFamily(
        "ready_backlog_batches",
        "Pushes that wait for a worker.",
        labels=["utility"],
    )
    oldest = GaugeMetricFamily(
        "ready_backlog_oldest_seconds",
        "Age of the oldest push that waits for a worker; 0 when none waits.",
        labels=["utility"],
    )
    waiting = pressure.waiting()
    for tenant in Tenant.objects.order_by("pk"):
        one = waiting.get(tenant.pk, pressure.Waiting(0, 0.0))
        backlog.add_metric([tenant.slug], one.batches)
        oldest.add_metric([tenant.slug], one.oldest_s)
        with tenant_context(tenant.pk):
            collectors = list(Collector.objects.order_by("pk"))
            counts = endings_today()
        for collector in collectors:
            names = [tenant.slug, collector.name]
            if collector.heard_at is not None:
                heard.add_metric(names, collector.heard_at.timestamp())
            count = counts.get(collector.pk)
            if count is None:
                continue
            batches.add_metric(names, count.batches)
            for outcome, times in count.endings.items():
                telegrams.add_metric([*names, Outcome(outcome).name.lower()], times)
    yield from (telegrams, batches, heard, backlog, oldest)
    free, size = pressure.free_disk(settings.DISK_PATH)
    yield GaugeMetricFamily("ready_disk_free_ratio", "Free part of the disk.", value=free / size)
    yield GaugeMetricFamily(
        "ready_worker_up", "Whether a worker looks at the inbox.", value=int(any_alive())
    )
