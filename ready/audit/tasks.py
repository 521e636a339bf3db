"""The timetable's two jobs on the trail. The message carries nothing."""

import logging

from celery import shared_task
from django.utils import timezone

from ready.audit import sealing, verification
from ready.policy import SYSTEM, access
from ready.tenancy.models import Tenant

log = logging.getLogger(__name__)


@shared_task  # type: ignore[untyped-decorator]
@access(SYSTEM)
def seal() -> None:
    """Make links of what is new; every few seconds."""
    sealing.seal_all()


@shared_task  # type: ignore[untyped-decorator]
@access(SYSTEM)
def verify() -> None:
    """Check every utility's trail; every night. A fault is an error in the log."""
    path = sealing.heads_file()
    heads = list(verification.heads_of(path)) if path is not None and path.exists() else []
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        for fault in verification.verify(tenant_id, heads, timezone.now()).faults:
            log.error("audit of tenant %d: %s", tenant_id, fault)
