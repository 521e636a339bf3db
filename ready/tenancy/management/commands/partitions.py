"""Show what partitions are missing or past their time, and what their upkeep will do."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from ready.policy import SYSTEM, access
from ready.tenancy import partitions, upkeep


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Show the plan for partitions: those to make and to drop, closed months to write anew in "
        "key order, to thin, to end. --apply makes and drops partitions, which is what ingest "
        "needs; --all carries the whole plan out. Run as the maintenance role."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="make and drop partitions")
        parser.add_argument("--all", action="store_true", help="carry the whole plan out")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        steps = partitions.plan(partitions.declared(), now)
        for step in steps:
            self.stdout.write(f"{step.action} {step.partition} [{step.start}, {step.end})")
        everything = bool(options["all"])
        applied = everything or bool(options["apply"])
        if applied:
            partitions.apply(steps)
        self.stdout.write(f"{len(steps)} steps{'' if applied else ' planned'}")
        done = 0
        for keeper in upkeep.keepers():
            for work in keeper.upkeep(now) if everything else keeper.plan(now):
                self.stdout.write(work.describe())
                if everything:
                    work.carry_out(now)
                done += 1
        self.stdout.write(f"{done} rewrites{'' if everything else ' planned'}")
