"""A wall that is taken away, and where the tests that guard it are."""

from dataclasses import dataclass

WALLS = "tests/rules/test_walls.py"
ISOLATION = "tests/rules/test_isolation.py"
TRAIL = "tests/rules/test_trail.py"
DECLARED = "tests/rules/test_declarations.py"
KEYS = "tests/collectors/test_keys.py"
LIMITED = "tests/accounts/test_limited.py"
SIGN_IN = "tests/accounts/test_sign_in.py"
PEOPLE = "tests/accounts/test_people.py"
PEOPLE_PAGES = "tests/accounts/test_people_pages.py"
ROLES = "tests/accounts/test_roles.py"
TOKENS = "tests/accounts/test_api_tokens.py"
LOG_IN = "tests/accounts/test_log_in.py"
POLICY = "tests/accounts/test_policy.py"
PLATFORM = "tests/accounts/test_platform.py"
OUTER = "tests/web/test_walls.py"
STANDING = "tests/readings/test_standing.py"
KEY_FILES = "tests/meters/test_keyfiles.py"


def matrix(*pages: str) -> tuple[str, ...]:
    """Every cell of these pages."""
    return tuple(f"tests/matrix/test_matrix.py::test_pattern[{page}]" for page in pages)


@dataclass(frozen=True)
class Mutant:
    """tests: those that must notice. where: a source file in which `old` becomes `new`; or else
    sql: a statement for the test database, by who owns it."""

    name: str
    tests: tuple[str, ...]
    where: str = ""
    old: str = ""
    new: str = ""
    sql: str = ""
