"""Event types in words, as the log shows and filters them; one not listed shows its code."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EVENTS: dict[str, Promise | str] = {
    "access.denied": _("Access denied"),
    "act.failed": _("Act failed"),
    "data.exported": _("Data exported"),
    "session.began": _("Logged in"),
    "session.ended": _("Logged out"),
    "session.refused": _("Log-in refused"),
    "person.account_changed": _("Own account changed"),
    "audit.erased": _("Personal data erased from the log"),
    "tenant.customs_changed": _("Settings of the utility changed"),
    "meter.registered": _("Meter registered"),
    "meter.key_set": _("Encryption key stored"),
    "keys.previewed": _("Key file read"),
    "keys.imported": _("Key file imported"),
    "keys.taken_back": _("Key import taken back"),
    "keys.given_up": _("Key preview thrown away"),
    "keys.rotated": _("Keys sealed anew"),
    "meter.key_used": _("Encryption key used in the telegram inspector"),
    "meter.installed": _("Meter mounted"),
    "meter.removed": _("Meter taken down"),
    "customer.registered": _("Customer registered"),
    "customer.changed": _("Customer changed"),
    "supply_point.registered": _("Supply point registered"),
    "supply_point.changed": _("Supply point changed"),
    "supply_point.occupant_changed": _("Somebody moved in or out"),
    "meter.exchanged": _("Meter exchanged"),
    "meter.exchange_registers": _("Registers of an exchange entered"),
    "meter.exchange_undone": _("Meter exchange taken back"),
    "letterhead.changed": _("Letterhead changed"),
    "collector.registered": _("Collector registered"),
    "collector.changed": _("Collector changed"),
    "collector.token_issued": _("Collector's token issued"),
    "collector.token_revoked": _("Collector's token revoked"),
    "telegrams.replay_requested": _("Replay of telegrams asked for"),
    "meter.changed": _("Meter changed"),
    "group.created": _("Group made"),
    "group.changed": _("Group changed"),
    "group.rule_changed": _("Group's rule changed"),
    "group.deleted": _("Group deleted"),
    "import.uploaded": _("Meter file read"),
    "import.started": _("Meter import started"),
    "import.done": _("Meters imported"),
    "import.undone": _("Meter import taken back"),
    "role.permission_changed": _("Role's permission changed"),
    "api_token.issued": _("API token issued"),
    "api_token.revoked": _("API token revoked"),
    "demo.created": _("Demo data made"),
}


def words_of(event: str) -> Promise | str:
    """The event in the reader's language; its code where nobody named it."""
    return EVENTS.get(event, event)
