"""`make mutants`: one wall is taken away at a time; the tests that guard it must notice.

    python -m benchmarks.mutants [--only WORDS] [--list]

Each mutant is a change of the sources (a filter, a decorator, a check), made in a copy of the
checkout, or of the database (a policy, a composite foreign key, a grant), made right after the
migrations. It runs the few tests that guard that wall. A mutant that all of
them let pass "lives": the command then ends with 1. A mutant whose text is not found any more is an
error, not a success.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_COPIED = (
    "ready",
    "meters",
    "readings",
    "notifications",
    "collectors",
    "reports",
    "wmbus",
    "tests",
    "templates",
    "static",
    "locale",
    "docs",
    "deploy",
)
_FILES = ("manage.py", "pyproject.toml", "docker-compose.yml", "Makefile")
WALLS = "tests/rules/test_walls.py"
ISOLATION = "tests/rules/test_isolation.py"
MATRIX = "tests/matrix/test_matrix.py"
TRAIL = "tests/rules/test_trail.py"
DECLARED = "tests/rules/test_declarations.py"
KEYS = "tests/collectors/test_keys.py"
LIMITED = "tests/accounts/test_limited.py"
SIGN_IN = "tests/accounts/test_sign_in.py"


@dataclass(frozen=True)
class Mutant:
    """name; where: a source file with `old` → `new`, or "" with a statement in `sql`; the tests."""

    name: str
    tests: tuple[str, ...]
    where: str = ""
    old: str = ""
    new: str = ""
    sql: str = ""
    words: str = ""


MUTANTS = (
    # The application's wall.
    Mutant(
        "the manager forgets the tenant",
        (ISOLATION,),
        "ready/tenancy/models.py",
        "return super().get_queryset().filter(tenant_id=current_tenant_id())",
        "return super().get_queryset()",
    ),
    Mutant(
        "leaving a context keeps its tenant",
        (ISOLATION,),
        "ready/tenancy/context.py",
        '        _set_local("app.tenant", outer)',
        "        pass",
    ),
    Mutant(
        "a stranger gets 403 instead of 404",
        (MATRIX,),
        "ready/accounts/middleware.py",
        """        if getattr(request, "unknown_tenant", False):
            raise Http404""",
        """        if getattr(request, "unknown_tenant", False):
            raise PermissionDenied""",
        words="meters:list or audit:trail",
    ),
    Mutant(
        "a shut-out member still gets in",
        (MATRIX,),
        "ready/accounts/middleware.py",
        "disabled_at=None",
        "",
        words="test_pattern and meters:list",
    ),
    Mutant(
        "a refusal keeps what was written",
        (ISOLATION,),
        "ready/accounts/middleware.py",
        "transaction.set_rollback(True)",
        "pass",
    ),
    # Decorators and declarations.
    Mutant(
        "a view without @access",
        (DECLARED, MATRIX),
        "ready/audit/views.py",
        '@access("audit.view")\n@require_GET\ndef entry',
        "@require_GET\ndef entry",
        words="declares or audit:entry",
    ),
    Mutant(
        "a view that asks for too little",
        (KEYS, MATRIX, "tests/rules"),
        "collectors/keyviews.py",
        '@access("keys.import")\n@require_POST\ndef apply',
        '@access("meters.view")\n@require_POST\ndef apply',
        words="least_code or keys",
    ),
    Mutant(
        "a view that changes by GET",
        ("tests/rules",),
        "collectors/keyviews.py",
        '@access("keys.import")\n@require_POST\ndef give_up',
        '@access("keys.import")\ndef give_up',
        words="methods or verbs",
    ),
    Mutant(
        "the middleware lets undeclared views through",
        (DECLARED,),
        "ready/accounts/middleware.py",
        "    raise ImproperlyConfigured(message)",
        "    return PUBLIC",
    ),
    Mutant(
        "a revoked token still pushes",
        (MATRIX, "tests/collectors/test_push.py"),
        "collectors/tokens.py",
        "CollectorToken.objects.filter(prefix=prefix, revoked_at=None)",
        "CollectorToken.objects.filter(prefix=prefix)",
        words="api:push or revoked",
    ),
    # Keys.
    Mutant(
        "a sealed key is not bound to its row",
        (ISOLATION,),
        "meters/keys.py",
        'return b"ready meter key|%d|%d|%d" % (tenant_id, meter_id, version)',
        'return b"ready meter key"',
    ),
    Mutant(
        "a preview keeps its keys after the import",
        (KEYS,),
        "meters/keyimports.py",
        "        row.sealed = None\n",
        "",
    ),
    Mutant(
        "a shared key is not asked about",
        (KEYS,),
        "meters/keyimports.py",
        "if findings[Finding.SHARED] and not choices.shared:",
        "if False:",
    ),
    # The trail.
    Mutant(
        "refusals are not written down",
        (MATRIX,),
        "ready/accounts/trail.py",
        'event, outcome = "access.denied", Outcome.DENIED\n        elif method',
        'event, outcome = "", Outcome.DENIED\n        elif method',
        words="test_pattern and (configuration or audit)",
    ),
    Mutant(
        "a head is not checked against the ones outside",
        (TRAIL,),
        "ready/audit/verification.py",
        "        _outside(faults, sealed, own)",
        "        pass",
    ),
    Mutant(
        "the chain does not cover who acted",
        (TRAIL,),
        "ready/audit/chain.py",
        "        entry.actor_id,\n",
        "",
    ),
    Mutant(
        "an emptied entry is always taken for an erasure",
        (TRAIL,),
        "ready/audit/verification.py",
        "elif erased.get(key, 0) < entry.pk:",
        "elif False:",
    ),
    # Outer walls.
    Mutant(
        "inner addresses may be called",
        ("tests/web/test_walls.py",),
        "ready/web/outbound.py",
        "    return told.is_global and not told.is_multicast and not told.is_reserved",
        "    return True",
        words="Outbound",
    ),
    Mutant(
        "entities are allowed in key files",
        ("tests/meters/test_keyfiles.py",),
        "meters/formats/keyfiles.py",
        "from defusedxml.ElementTree import ParseError, fromstring",
        "from xml.etree.ElementTree import ParseError\n"
        "from xml.etree.ElementTree import fromstring as _plain\n\n"
        "def fromstring(content, forbid_dtd=True):\n    return _plain(content)\n",
    ),
    Mutant(
        "a cell may be a formula",
        ("tests/web",),
        "ready/web/lists.py",
        'return f"\'{text}"',
        "return text",
        words="csv or formula",
    ),
    # The database's wall.
    *(
        Mutant(f"no policy on {table}", (WALLS, ISOLATION), sql=f"DROP POLICY tenant ON {table}")
        for table in ("meters_meter", "meters_meterkey", "audit_auditentry")
    ),
    Mutant(
        "a policy that is always true",
        (WALLS, ISOLATION),
        sql="ALTER POLICY tenant ON meters_meter USING (true)",
    ),
    Mutant(
        "row-level security is not forced",
        (WALLS,),
        sql="ALTER TABLE meters_keyimport NO FORCE ROW LEVEL SECURITY",
    ),
    Mutant(
        "row-level security is off",
        (WALLS, ISOLATION),
        sql="ALTER TABLE meters_meter DISABLE ROW LEVEL SECURITY",
    ),
    *(
        Mutant(
            f"no composite key {constraint}",
            (WALLS,),
            sql=f"ALTER TABLE {table} DROP CONSTRAINT {constraint}",
        )
        for table, constraint in (
            ("meters_meterkey", "meters_meterkey_meter_id_fk"),
            ("meters_installation", "meters_installation_supply_point_id_fk"),
            ("audit_auditseal", "audit_auditseal_entry_id_fk"),
            ("meters_keyimportrow", "meters_keyimportrow_of_import_id_fk"),
        )
    ),
    Mutant(
        "a plain key instead of the composite one",
        (WALLS,),
        sql="ALTER TABLE meters_meterkey DROP CONSTRAINT meters_meterkey_meter_id_fk; "
        "ALTER TABLE meters_meter ADD CONSTRAINT mutant UNIQUE (id); "
        "ALTER TABLE meters_meterkey ADD CONSTRAINT mutant_fk FOREIGN KEY (meter_id) "
        "REFERENCES meters_meter (id)",
    ),
    Mutant(
        "the trail may be changed",
        (WALLS,),
        sql="GRANT UPDATE ON audit_auditentry TO ready_app",
    ),
    Mutant(
        "a limited member sees all meters",
        (LIMITED,),
        sql="DROP POLICY limited ON meters_meter",
        words="groups or others",
    ),
    Mutant(
        "a limited member's request does not become the limited role",
        (LIMITED,),
        "ready/accounts/middleware.py",
        """            with seen_with(rights):
                return self._finish(request)""",
        "            return self._finish(request)",
        words="others or another_group",
    ),
    Mutant(
        "an ID token of another log-in is taken",
        (SIGN_IN,),
        "ready/accounts/oidc.py",
        'if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):',
        "if False:",
        words="claims",
    ),
    Mutant(
        "an answer to nobody's try is taken",
        (SIGN_IN,),
        "ready/accounts/views_sign_in.py",
        'request.GET.get("state") != tried.state',
        "False",
        words="once or nobodys",
    ),
    Mutant(
        "any algorithm of an ID token is taken",
        (SIGN_IN,),
        "ready/accounts/oidc.py",
        "if algorithm not in ALGORITHMS:",
        "if False:",
        words="signature",
    ),
    Mutant(
        "a session of single sign-on opens every utility",
        (SIGN_IN,),
        "ready/accounts/views_sign_in.py",
        "    sessions.begin_for(request, utility.pk)\n",
        "",
        words="here_alone",
    ),
    Mutant(
        "the run-time role passes every wall",
        (WALLS,),
        sql="ALTER ROLE ready_app BYPASSRLS",
    ),
)


def copied(folder: Path) -> Path:
    """The checkout's sources in a folder of their own."""
    for name in _COPIED:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "vendor")
        )
    for name in _FILES:
        shutil.copy(ROOT / name, folder / name)
    (folder / "static" / "vendor").symlink_to(ROOT / "static" / "vendor")
    return folder


def run(folder: Path, tests: tuple[str, ...], words: str, sql: str) -> tuple[bool, str]:
    """Whether the tests notice, and the first that did."""
    env = os.environ | {"READY_MUTANT_SQL": sql, "READY_MATRIX": "all", "PYTHONPATH": str(folder)}
    argv = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider", *tests]
    if words:
        argv += ["-k", words]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode == 5:
        raise SystemExit(f"no test chosen by {tests} {words!r}")
    first = next(
        (
            line.split(" - ")[0].removeprefix("FAILED ").removeprefix("ERROR ")
            for line in done.stdout.splitlines()
            if line.startswith(("FAILED ", "ERROR "))
        ),
        "",
    )
    return done.returncode != 0, first or done.stdout[-300:] + done.stderr[-300:]


def main() -> int:
    """Try every mutant; 1 when one lives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mutants whose name has these words")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    chosen = [one for one in MUTANTS if options.only in one.name]
    if options.list:
        print("\n".join(one.name for one in chosen))
        return 0
    lived = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(Path(scratch) / "ready")
        for mutant in chosen:
            began = time.monotonic()
            path = folder / mutant.where if mutant.where else None
            before = path.read_text() if path else ""
            if path is not None:
                if mutant.old not in before:
                    print(f"GONE    {mutant.name}: {mutant.where} has changed; mend the mutant")
                    lived.append(mutant.name)
                    continue
                path.write_text(before.replace(mutant.old, mutant.new))
            noticed, first = run(folder, mutant.tests, mutant.words, mutant.sql)
            if path is not None:
                path.write_text(before)
            if not noticed:
                lived.append(mutant.name)
            seconds = time.monotonic() - began
            print(
                f"{'caught ' if noticed else 'LIVES  '} {mutant.name} ({seconds:.0f} s) {first}",
                flush=True,
            )
    print(f"{len(chosen) - len(lived)} of {len(chosen)} mutants caught")
    return 1 if lived else 0


if __name__ == "__main__":
    sys.exit(main())
