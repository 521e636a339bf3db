"""The readings' words for the audit log (`ready.audit.words`): what an erasure took and left."""

from collections.abc import Mapping

from django.utils.functional import Promise

from readings.erasure import LABELS
from readings.models import ErasureCertificate

PARTS: Mapping[str, Mapping[str, Promise | str]] = {"counts": LABELS}
CODES: Mapping[str, Mapping[str, Promise | str]] = {
    "customer": {fate.value: fate.label for fate in ErasureCertificate.Fate}
}
