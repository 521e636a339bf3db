"""Show what partitions are missing or past their time; apply it when told."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from ready.tenancy import partitions


class Command(BaseCommand):
    help = "Show the plan for partitions; --apply carries it out. Run as the maintenance role."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="carry the plan out")

    def handle(self, *args: Any, **options: Any) -> None:
        steps = partitions.plan(partitions.declared(), timezone.now())
        for step in steps:
            self.stdout.write(f"{step.action} {step.partition} [{step.start}, {step.end})")
        if options["apply"]:
            partitions.apply(steps)
        self.stdout.write(f"{len(steps)} steps{'' if options['apply'] else ' planned'}")
