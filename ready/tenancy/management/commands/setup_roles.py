"""Create the database roles that READY runs as; run by a role that may create roles."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from psycopg import sql

from ready.policy import SYSTEM, access
from ready.tenancy.operations import LIMITED_ROLE, MAINTENANCE_ROLE, OWNER_ROLE, RUNTIME_ROLE


@access(SYSTEM)
class Command(BaseCommand):
    help = (
        "Create or update the roles ready_owner (owns the tables; migrations), ready_app (web, "
        "worker, beat; owns nothing), ready_maintenance (partitions) and ready_limited (what "
        "ready_app becomes for a member limited to groups of meters; nobody logs in as it). "
        "Passwords come from READY_OWNER_PASSWORD, READY_APP_PASSWORD and "
        "READY_MAINTENANCE_PASSWORD. Run it as an administrator of the database, before "
        "`migrate`; safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for role, variable in (
            (OWNER_ROLE, "READY_OWNER_PASSWORD"),
            (RUNTIME_ROLE, "READY_APP_PASSWORD"),
            (MAINTENANCE_ROLE, "READY_MAINTENANCE_PASSWORD"),
        ):
            password = os.environ.get(variable, "")
            if not password:
                raise CommandError(f"{variable} is not set")
            self._role(role, password)
        with connection.cursor() as cursor:
            # The maintenance role makes and drops partitions of tables the owner owns.
            cursor.execute(f"GRANT {OWNER_ROLE} TO {MAINTENANCE_ROLE}")
            cursor.execute(f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER_ROLE}")
            cursor.execute(f"GRANT USAGE ON SCHEMA public TO {RUNTIME_ROLE}")
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LIMITED_ROLE])
            verb = "ALTER" if cursor.fetchone() else "CREATE"
            cursor.execute(
                f"{verb} ROLE {LIMITED_ROLE} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE "
                "NOBYPASSRLS"
            )
            # Not inherited: ready_app must become it, and only gets less by it.
            cursor.execute(
                f"GRANT {LIMITED_ROLE} TO {RUNTIME_ROLE} WITH ADMIN FALSE, INHERIT FALSE, SET TRUE"
            )
            cursor.execute(f"GRANT USAGE ON SCHEMA public TO {LIMITED_ROLE}")
        self.stdout.write("roles are in place")

    def _role(self, role: str, password: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            verb = "ALTER" if cursor.fetchone() else "CREATE"
            cursor.execute(
                sql.SQL(
                    "{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS "
                    "PASSWORD {password}"
                ).format(
                    verb=sql.SQL(verb), role=sql.Identifier(role), password=sql.Literal(password)
                )
            )
