"""Seal everything that the master key seals under the present one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meters.rotation import Rotated, rotate
from ready.accounts.resealing import Resealed, reseal_provider, reseal_second_factors
from ready.audit.services import Actor
from ready.policy import SYSTEM, access
from ready.tenancy.models import Tenant


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Seal every stored meter key, people's second factors and the secrets of identity "
        "providers anew under READY_MASTER_KEY, opening them with READY_MASTER_KEY_OLD where that "
        "sealed them. Safe to stop and to repeat; READY goes on meanwhile. Ends with 1 while "
        "something does not open."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for tenant in Tenant.objects.order_by("pk"):
            done = rotate(tenant.pk, actor=Actor(None, "rotate_keys"))
            broken += self._told(f"{tenant.slug}: meter keys", done)
            provider = reseal_provider(tenant.pk, actor=Actor(None, "rotate_keys"))
            broken += self._told(f"{tenant.slug}: single sign-on", provider)
        broken += self._told("second factors", reseal_second_factors())
        if broken:
            raise CommandError(f"{broken} do not open under any master key given")
        self.stdout.write("READY_MASTER_KEY_OLD may go")

    def _told(self, what: str, done: Rotated | Resealed) -> int:
        self.stdout.write(
            f"{what}: {done.sealed} sealed anew, {done.already} were already, "
            f"{done.broken} do not open"
        )
        return done.broken
