"""How names and addresses are put in order: as a Dane would, and 4 before 12; and searched.

The database has no ICU collations (the embedded server is built without), so rows are sorted by
a key in which æ, ø, å follow z and every number is filled up to equal length:

    "Østergade 4B"  →  "|stergade 000000000004b"

The key is a stored column: it is computed at every write, once, and an index can hold it.
"""

from typing import Any

from django.db.models import Func, GeneratedField, TextField

# Code point order, the same on every server whatever its locale.
COLLATION = "pg_c_utf8"
# ä and ö are spelt otherwise but sorted alike; accents do not count. Read in pairs, upright.
_LETTERS = "æäøöåéèêüß"
_INSTEAD = "{{||}eeeus"
_DIGITS = 12


class SortKey(Func):
    """The sort key of a text column; immutable SQL, so that it may be stored and indexed."""

    template = (
        "regexp_replace(regexp_replace("
        f"translate(lower(%(expressions)s COLLATE \"{COLLATION}\"), '{_LETTERS}', '{_INSTEAD}')"
        f", '([0-9]+)', '{'0' * (_DIGITS - 1)}\\1', 'g')"
        f", '[0-9]*([0-9]{{{_DIGITS}}})', '\\1', 'g')"
    )
    arity = 1

    def __init__(self, expression: Any) -> None:
        super().__init__(expression, output_field=TextField(db_collation=COLLATION))

    @classmethod
    def stored(cls, column: str) -> GeneratedField:
        """A stored column with the key of another column of the same row."""
        return GeneratedField(
            expression=cls(column),
            output_field=TextField(db_collation=COLLATION),
            db_persist=True,
        )


class SearchText(Func):
    """Text columns one under the other in small letters; immutable SQL, so that it may be stored.

    A search of all columns then looks at one text a row, and turns no letters as it goes.
    """

    template = f'lower((%(expressions)s) COLLATE "{COLLATION}")'
    arg_joiner = " || E'\\n' || "

    def __init__(self, *expressions: Any) -> None:
        super().__init__(*expressions, output_field=TextField(db_collation=COLLATION))

    @classmethod
    def stored(cls, *columns: str) -> GeneratedField:
        """A stored column with these columns of the same row, none of which is ever NULL."""
        return GeneratedField(
            expression=cls(*columns),
            output_field=TextField(db_collation=COLLATION),
            db_persist=True,
        )
