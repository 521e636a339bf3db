"""What the worker does for this app. The messages carry nothing: the rows say what there is."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from meters import groups, keyimports, listing
from meters.imports import jobs
from ready.audit.services import Actor
from ready.policy import SYSTEM, TENANT_SCOPED, access
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant

log = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
@access(SYSTEM)
def work_imports() -> None:
    """Check and write the imports that wait."""
    jobs.work_all()


@shared_task  # type: ignore[untyped-decorator]
@access(TENANT_SCOPED)
def forget_imports() -> None:
    """Let go of imports' files that are past their time, each utility by itself."""
    for tenant in Tenant.objects.order_by("pk"):
        with tenant_context(tenant.pk):
            jobs.forget_old()


@shared_task  # type: ignore[untyped-decorator]
@access(TENANT_SCOPED)
def forget_key_previews() -> None:
    """Throw away previews of key files that nobody imported, each utility by itself."""
    for tenant in Tenant.objects.order_by("pk"):
        with tenant_context(tenant.pk):
            keyimports.forget_old(now=timezone.now(), actor=Actor(None, "READY"))


@shared_task  # type: ignore[untyped-decorator]
@access(TENANT_SCOPED)
def refresh_groups() -> None:
    """Have groups that follow a filter follow it again, each utility by itself."""
    for tenant in Tenant.objects.order_by("pk"):
        with tenant_context(tenant.pk), timezone.override(tenant.zone):
            groups.refresh_groups(find=listing.find, now=timezone.now())


def ring_softly() -> None:
    """Ask for imports to be worked on now; without a broker the timetable does it soon."""
    try:
        work_imports.apply_async(retry=False, expires=60)
    except (OperationalError, OSError) as error:
        log.warning("no doorbell: %s", error)
