#!/usr/bin/env python
"""Django's entry: `python manage.py <command>`."""

import os
import sys
from pathlib import Path

from django.core.management import BaseCommand, CommandError, ManagementUtility

ROOT = Path(__file__).resolve().parent


class DeclaredCommands(ManagementUtility):
    """Refuses a command of READY's own that does not declare its access (`ready.policy`)."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        module = sys.modules[type(command).__module__]
        place = Path(module.__file__ or "").resolve()
        own = place.is_relative_to(ROOT) and "site-packages" not in place.parts
        if own and getattr(command, "access", None) is None:
            raise CommandError(f"command {subcommand} declares no access")
        return command


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")
    try:
        DeclaredCommands(sys.argv).execute()
    except CommandError as error:
        sys.exit(f"CommandError: {error}")
