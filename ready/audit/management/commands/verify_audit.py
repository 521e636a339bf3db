"""Check the trail: nothing changed, deleted, inserted, reordered, cut off or restored."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ready.audit import chain, sealing, verification
from ready.policy import SYSTEM, access
from ready.tenancy.models import Tenant


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Check every utility's audit log against its hash chain, and the chain against the signed "
        "heads kept outside the database. Prints what is wrong and ends with 1 when anything is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="only this utility (its slug)")
        parser.add_argument(
            "--heads", type=Path, help="file of heads; default: what READY_AUDIT_HEADS names"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = Tenant.objects.order_by("pk")
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
            if not tenants:
                raise CommandError(f"there is no utility {options['tenant']!r}")
        path = options["heads"] or sealing.heads_file()
        heads: list[verification.Head] = []
        if path is None:
            self.stdout.write("no file of heads: only the database is checked against itself")
        elif path.exists() or options["heads"]:
            try:
                heads = list(verification.heads_of(path))
            except verification.UnreadableHeads as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"public key {chain.public_key()}")
        wrong = 0
        for tenant in tenants:
            report = verification.verify(tenant.pk, heads, timezone.now())
            wrong += len(report.faults)
            self.stdout.write(
                f"{tenant.slug}: {report.entries} links, {report.heads} heads outside, "
                f"{len(report.faults)} faults"
            )
            for fault in report.faults:
                self.stdout.write(f"  {fault}")
        if wrong:
            raise CommandError(f"{wrong} faults")
