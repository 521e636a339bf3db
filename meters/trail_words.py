"""The meters' words for the audit log (`ready.audit.words`): registers by their codes."""

from collections.abc import Mapping

from django.utils.functional import Promise

from meters.registers import BY_COLUMN

_CODES: Mapping[str, Promise | str] = {
    column: register.code for column, register in BY_COLUMN.items()
}
# Which values of an entry hold a number for each register.
_BY_REGISTER = ("bridges", "end", "end_registers", "start", "start_registers", "values")
PARTS: Mapping[str, Mapping[str, Promise | str]] = dict.fromkeys(_BY_REGISTER, _CODES)
CODES: Mapping[str, Mapping[str, Promise | str]] = {"register": _CODES}
