"""Keep partitions ahead of time and tables in order, in a process of its own, as the maintenance
role."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections, connection
from django.utils import timezone

from ready.policy import SYSTEM, access
from ready.tenancy import partitions, upkeep

log = logging.getLogger(__name__)


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Make and drop partitions, bring daily values up to date, write closed months anew and "
        "thin them: now and, with --forever, each hour from now on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--forever", action="store_true", help="go on, once an hour")
        parser.add_argument("--every", type=float, default=3600, help="seconds between looks")

    def handle(self, *args: Any, **options: Any) -> None:
        while True:
            try:
                close_old_connections()
                self._look()
            except OperationalError as error:
                # A busy lock or a restarting server: the next look finds the same plan.
                connection.close()
                log.warning("maintenance: put off: %s", error)
                if not options["forever"]:
                    raise
            if not options["forever"]:
                return
            time.sleep(options["every"])

    def _look(self) -> None:
        steps = partitions.plan(partitions.declared(), timezone.now())
        partitions.apply(steps)
        log.info("partitions: %d steps", len(steps))
        for keeper in upkeep.keepers():
            now = timezone.now()
            for work in keeper.upkeep(now):
                log.info("upkeep: %s", work.describe())
                work.carry_out(now)
                # Between two pieces of work, which may take minutes: ingest comes first.
                partitions.apply(partitions.plan(partitions.declared(), timezone.now()))
