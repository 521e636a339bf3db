"""`manage.py operators`: who runs the platform. Run as the owner of the tables."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ready.accounts.models import Membership, PlatformOperator, User
from ready.policy import SYSTEM, access
from ready.tenancy.context import person_context


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "List the platform's operators, make one of a person who has an account (--add), or shut "
        "one out (--remove). DATABASE_URL must be that of ready_owner: the run-time role can only "
        "read this table."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--add", metavar="E-MAIL", default="")
        parser.add_argument("--remove", metavar="E-MAIL", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["add"]:
            self._add(self._person(options["add"]))
        if options["remove"]:
            PlatformOperator.objects.filter(user=self._person(options["remove"])).update(
                disabled_at=timezone.now()
            )
        for one in PlatformOperator.objects.select_related("user").order_by("user__email"):
            state = "" if one.disabled_at is None else " (shut out)"
            self.stdout.write(f"{one.user.email}{state}")

    def _add(self, person: User) -> None:
        with person_context(person.pk):
            if Membership.objects.filter(user=person).exists():
                raise CommandError(f"{person.email} belongs to a utility; an operator may not")
        PlatformOperator.objects.update_or_create(user=person, defaults={"disabled_at": None})

    def _person(self, email: str) -> User:
        person = User.objects.filter(email=email.lower()).first()
        if person is None:
            raise CommandError(f"nobody has the account {email}")
        return person
