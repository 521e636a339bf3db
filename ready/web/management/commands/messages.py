"""Keep the translations up to date: `manage.py messages [--check | --compile]`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ready.policy import SYSTEM, access
from ready.web import catalogue

PACKAGES = ("ready", "meters", "readings", "notifications", "collectors", "reports", "wmbus")


@access(SYSTEM)
class Command(BaseCommand):
    """Without an option: find every message and bring the catalogues up to date."""

    help = "Collects what is to be translated into locale/<language>/LC_MESSAGES/django.po"
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            "--check",
            action="store_true",
            help="change nothing; fail where a message is missing, untranslated, fuzzy or obsolete",
        )
        group.add_argument(
            "--compile", action="store_true", help="make every .mo file that is out of date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["compile"]:
            made = catalogue.compile_all(Path(settings.LOCALE_PATHS[0]))
            self.stdout.write(f"{len(made)} catalogues compiled")
            return
        # Babel is not installed where READY runs, and compiling must work there.
        from ready.web.extraction import find  # noqa: PLC0415

        found = find(settings.BASE_DIR, catalogue.sources(settings.BASE_DIR, PACKAGES))
        faults: list[str] = []
        for language, _name in settings.LANGUAGES:
            if language == settings.LANGUAGE_CODE:
                continue  # the messages themselves are in this language
            path = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"
            book = catalogue.opened(path, language)
            if options["check"]:
                faults += [f"{language}: {line}" for line in catalogue.faults(book, found)]
                continue
            done = catalogue.update(book, found)
            path.parent.mkdir(parents=True, exist_ok=True)
            book.save(str(path))
            for text in done.removed:
                self.stdout.write(f"{language}: no longer used: {text!r}")
            left = len(book.untranslated_entries())
            self.stdout.write(
                f"{language}: {len(book)} messages, {len(done.added)} new, {left} to translate"
            )
        if faults:
            raise CommandError("\n".join(faults))
