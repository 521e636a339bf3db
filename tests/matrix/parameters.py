"""What stands in an address or a form, for the matrix.

**A new page?** If its address has a parameter that no line below knows, the matrix fails and
names it: add a line `"namespace.parameter": "thing"` (or only the parameter, where it means the
same everywhere), and make the thing in `tests/matrix/things.py`. If it takes a POST, add a line to
FORMS with the smallest form it accepts; if that POST changes nothing, name it in CHANGES_NOTHING
with the reason.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from readings.outdoors import Series
from readings.views.outdoor import sign_series
from tests.matrix.world import World

# Parameter → the thing of `Utility.things` that it names. "namespace.parameter" comes first.
THINGS = {
    "tenant": "tenant",
    "meters.pk": "meter",
    "meters:place.pk": "place",
    "meters:edit_place.pk": "place",
    "meters:move.pk": "place",
    "meters:customer.pk": "customer",
    "meters:edit_customer.pk": "customer",
    "reports.pk": "meter",
    "notifications.pk": "meter",
    "notifications.entry": "outbox_entry",
    "reports:residents.pk": "former_place",
    "reports:erasure.pk": "former_place",
    "reports:erasure.period": "former_resident",
    "reports:certificate.pk": "certificate",
    "readings:exchange_registers.pk": "exchanged_meter",
    "readings:exchange_registers.installation": "exchanged",
    "readings:cancel_exchange.pk": "exchanged_meter",
    "readings:undo_exchange.pk": "exchanged_meter",
    "readings:undo_exchange.installation": "exchanged",
    "readings:estimate.pk": "gap_meter",
    "readings:estimate.key": "gap",
    "readings:undo_estimate.pk": "gap_meter",
    "readings:undo_estimate.estimation": "estimate",
    "readings:undo.pk": "gap_meter",
    "readings:undo.key": "corrected",
    "readings.pk": "meter",
    "readings.key": "reading",
    "collectors.pk": "meter",
    "collectors:edit.pk": "collector",
    "collectors:change.pk": "collector",
    "collectors:issue_token.pk": "collector",
    "collectors:revoke_token.pk": "collector",
    "collectors:revoke_token.prefix": "token_prefix",
    "collectors:reading.key": "reading",
    "collectors:telegram.key": "telegram",
    "collectors:inspect.key": "telegram",
    "meters:group.pk": "group",
    "meters:delete_group.pk": "group",
    "meters:import.pk": "meter_import",
    "meters:choose_columns.pk": "meter_import",
    "meters:import_again.pk": "meter_import_checked",
    "meters:run_import.pk": "meter_import_checked",
    "meters:wrong_rows.pk": "meter_import_wrong",
    "meters:undo_import.pk": "meter_import_done",
    "audit.pk": "entry",
    "configuration.user_id": "member",
    "configuration:enable_user.user_id": "member_shut_out",
    "configuration:revoke_invitation.pk": "invitation",
    "configuration:revoke_token.pk": "api_token",
    "platform.utility": "tenant",
    "keys.pk": "key_import",
    "keys:meter.pk": "meter",
    "keys:set.pk": "meter",
    "keys:take_back.pk": "key_import_done",
}
# Parameters that name no thing, and why any value is answered.
NO_OBJECT = {
    **{
        f"platform:{name}.utility": "an operator's pages are about every utility"
        for name in ("utility", "change_terms", "suspend", "enter", "leave")
    },
    "readings:estimate.key": "a time; there is a gap around it, or the page says why there is none",
    "collectors:reading.key": "a time; the telegrams behind it may be gone for long",
}
# What no utility has, by thing; everything else is a number.
ABSENT: dict[str, Any] = {
    "tenant": "nowhere",
    "reading": 1_600_000_000_000_000,
    "corrected": 1_600_000_000_000_000,
    "telegram": "2026-01-01.99999999.0",
    "token_prefix": "absent",
}
ABSENT_NUMBER = 2_000_000_001
# Of installed libraries: not a utility's things, and READY opens none of them with these.
LIBRARY = {"uidb36": "1", "key": "x-y", "pk": 1, "provider": "x", "sub_id": "x"}


def thing_of(site_name: str, parameter: str) -> str | None:
    """The thing that a parameter of a pattern names, or None where nobody said."""
    namespace = site_name.rpartition(":")[0] or site_name
    for name in (f"{site_name}.{parameter}", f"{namespace}.{parameter}", parameter):
        if name in THINGS:
            return THINGS[name]
    return None


def absent(thing: str) -> Any:
    """A value that names nothing."""
    return ABSENT.get(thing, ABSENT_NUMBER)


def _collector(world: World, name: str) -> dict[str, Any]:
    return {
        "name": f"{name} {world.own.canary}",
        "type": "concentrator",
        "origin": "1",
        "zone": "UTC",
    }


_WHY = {"reason": "ZA4", "note": "two digits swapped"}
Form = Callable[[World], dict[str, Any]]
# View → the smallest form that it accepts from an administrator.
FORMS: dict[str, Form] = {
    "accounts:language": lambda world: {"language": "en"},
    "change_configuration": lambda world: {
        "name": f"New name {world.own.canary}",
        "zone": "UTC",
        "language": "da",
        "energy_unit": "GJ",
        "volume_unit": "m³",
        "flow_unit": "L/h",
        "power_unit": "kW",
        "pressure_unit": "bar",
    },
    "notifications:try_again": lambda world: {},
    "notifications:give_up": lambda world: {},
    "meters:edit_place": lambda world: {"street": f"Other street {world.own.canary}"},
    "meters:move": lambda world: {"day": "01-06-2026", "number": "7", "name": world.own.canary},
    "meters:edit_customer": lambda world: {"number": "9", "name": f"Other {world.own.canary}"},
    "readings:exchange": lambda world: {
        "new": world.own.things["stock_meter"],
        "removed_day": f"{timezone.now() - timedelta(hours=1):%d-%m-%Y}",
        "removed_time": f"{timezone.now() - timedelta(hours=1):%H:%M}",
        "confirmed": "yes",
    },
    "readings:plan_exchange": lambda world: {
        "planned_on": f"{timezone.now() + timedelta(days=2):%d-%m-%Y}",
        "note": world.own.canary,
    },
    "readings:cancel_exchange": lambda world: {},
    "readings:exchange_registers": lambda world: {},
    "readings:undo_exchange": lambda world: {},
    "readings:add": lambda world: {
        "day": f"{timezone.now() - timedelta(minutes=1):%d-%m-%Y}",
        "time": f"{timezone.now() - timedelta(minutes=1):%H:%M}",
        "e1": "9999999",
        **_WHY,
    },
    "readings:correct": lambda world: {"e1": "4,8", **_WHY},
    "readings:set_aside": lambda world: _WHY,
    "readings:undo": lambda world: _WHY,
    "readings:estimate": lambda world: {"registers": "e1", **_WHY},
    "readings:undo_estimate": lambda world: {},
    "readings:keep": lambda world: {"full_months": "12", "keep_months": "24"},
    "readings:check_outdoor": lambda world: {
        "file": SimpleUploadedFile("weather.csv", b"01-06-2026;12,5\n")
    },
    "readings:import_outdoor": lambda world: {
        "series": sign_series(
            world.own.tenant.pk, "weather.csv", Series({}, {date(2026, 6, 1): 1250})
        )
    },
    "readings:remove_outdoor": lambda world: {"first": "01-05-2026", "last": "31-05-2026"},
    "reports:erasure": lambda world: {"request": f"case {world.own.canary}", "confirmed": "on"},
    "reports:send_report": lambda world: {
        "recipient": f"{world.own.canary}@example.org",
        "subject": "Your consumption",
        "text": "See the file.",
    },
    "reports:letterhead": lambda world: {"lines": f"Street {world.own.canary}"},
    "accounts:save_profile": lambda world: {"name": world.own.canary, "language": "en"},
    "accounts:end_session": lambda world: {"session": "1"},
    "configuration:configure_sign_in": lambda world: {
        "name": world.own.canary,
        "issuer": "https://id.example",
        "client_id": world.own.canary,
        "secret": "x",
    },
    "sign_in:unlink": lambda world: {},
    "configuration:invite": lambda world: {"email": "new@aalund.example", "role": "user"},
    "configuration:change_role": lambda world: {"role": "super_user"},
    "configuration:limit_user": lambda world: {"limited": "on"},
    "configuration:issue_token": lambda world: {
        "name": world.own.canary,
        "whose": "user",
        "days": "30",
        "scopes": ["meters.view"],
    },
    "platform:create": lambda world: {
        "name": "A third",
        "slug": "third",
        "email": "first@third.example",
        "licence": "drive_by",
        "priority_meters": "50",
        "alarm_meters": "5000",
    },
    "platform:change_terms": lambda world: {
        "licence": "drive_by",
        "priority_meters": "60",
        "alarm_meters": "5000",
    },
    "platform:suspend": lambda world: {"suspended": "yes"},
    "platform:enter": lambda world: {"reason": f"They asked {world.own.canary}", "minutes": "5"},
    "configuration:change_roles": lambda world: {"shown": "", "held": ["user:meters.edit"]},
    "readings:add_priority": lambda world: {"number": world.own.things["number"]},
    "readings:remove_priority": lambda world: {"meter": world.own.things["priority_meter"]},
    "meters:keep_layout": lambda world: {"column": ["serial"]},
    "meters:save_filter": lambda world: {"name": "Cold", "query": "?cooling=20", "shared": "1"},
    "meters:delete_filter": lambda world: {"filter": world.own.things["filter"]},
    "meters:new": lambda world: {"manufacturer": "KAM", "number": "76348799", "medium": "heat"},
    "meters:edit": lambda world: {"meter_type": "another", "medium": "heat"},
    "meters:add_selected": lambda world: {
        "meters": world.own.things["spare"],
        "group": world.own.things["group"],
    },
    "reports:consumption_group": lambda world: {"new_group": "Used much"},
    "meters:remove_selected": lambda world: {
        "meters": world.own.things["meter"],
        "group": world.own.things["group"],
    },
    "meters:edit_selected": lambda world: {
        "meters": world.own.things["meter"],
        "label": "another",
        "confirm": "1",
    },
    "meters:delete_selected": lambda world: {
        "meters": world.own.things["spare"],
        "confirm": "1",
    },
    "meters:create_group": lambda world: {"name": "New group", "colour": "blue"},
    "meters:group": lambda world: {"name": "Another name", "colour": "blue"},
    "meters:delete_group": lambda world: {},
    "meters:upload": lambda world: {
        "file": SimpleUploadedFile("new.csv", b"Serial;Label\n76348799;x\n")
    },
    "meters:choose_columns": lambda world: {"column0": "number", "check": "1"},
    "meters:import_again": lambda world: {},
    "meters:run_import": lambda world: {},
    "meters:undo_import": lambda world: {},
    "collectors:create": lambda world: _collector(world, "new"),
    "collectors:change": lambda world: _collector(world, "other"),
    "collectors:issue_token": lambda world: {},
    "collectors:revoke_token": lambda world: {},
    "keys:upload": lambda world: {
        "file": SimpleUploadedFile("new.csv", f"serial;key\n76348799;{'5a' * 16}\n".encode())
    },
    "keys:apply": lambda world: {"register": "on"},
    "keys:set": lambda world: {"key": "5a" * 16},
    "keys:take_back": lambda world: {},
    "keys:give_up": lambda world: {},
    "collectors:inspector": lambda world: {
        "telegram": "2E44931578563412330333637A2A0020255923C95AAA26D1B2E7493B2A8B013EC4"
        "A6F6D3529B520EDFF0EA6DEFC955B29D6D69EBF3EC8A"
    },
}
# POSTs that change nothing, and why they are no GET.
CHANGES_NOTHING = {
    "accounts:language": "a person's own taste, no utility's",
    "collectors:inspect": "it explains; the use of a key is told, and this frame has none",
    "platform:leave": "no visit is running",
    "accounts:accept_invitation": "without an invitation there is nothing to accept",
    "accounts:end_session": "a session that is over already",
    "accounts:end_other_sessions": "there are no others",
    "meters:keep_layout": "a person's own taste, no utility's",
    "meters:choose_columns": "how a file is read; what is imported is in the trail",
    "meters:import_again": "as choose_columns",
    "readings:check_outdoor": "it shows what a file says; what is imported is in the trail",
    "collectors:inspector": "the telegram and key must not stand in an address",
}
