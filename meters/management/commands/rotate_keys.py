"""Seal every meter key under the present master key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meters.rotation import rotate
from ready.audit.services import Actor
from ready.policy import SYSTEM, access
from ready.tenancy.models import Tenant


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Seal every stored meter key anew under READY_MASTER_KEY, opening it with "
        "READY_MASTER_KEY_OLD where that sealed it. Safe to stop and to repeat; READY goes on "
        "meanwhile. Ends with 1 while some key does not open."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for tenant in Tenant.objects.order_by("pk"):
            done = rotate(tenant.pk, actor=Actor(None, "rotate_keys"))
            broken += done.broken
            self.stdout.write(
                f"{tenant.slug}: {done.sealed} sealed anew, {done.already} were already, "
                f"{done.broken} do not open"
            )
        if broken:
            raise CommandError(f"{broken} keys do not open under any master key given")
        self.stdout.write("READY_MASTER_KEY_OLD may go")
