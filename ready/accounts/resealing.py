"""Changing the master key: the secrets of people's second factors and of identity providers."""

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db import transaction

from ready.accounts import sealing
from ready.accounts.models import IdentityProvider
from ready.audit.services import Actor, record
from ready.tenancy.context import tenant_context

# Where allauth keeps what it passed to `SecondFactorAdapter.encrypt`.
_SEALED_IN = {
    Authenticator.Type.TOTP: "secret",
    Authenticator.Type.RECOVERY_CODES: "seed",
}


@dataclass(slots=True)
class Resealed:
    """Secrets sealed anew, sealed so already, and not to be opened."""

    sealed: int = 0
    already: int = 0
    broken: int = 0


def reseal_second_factors() -> Resealed:
    """Seal all people's second factors under the present master key, each by itself."""
    done = Resealed()
    sealed_ones = Authenticator.objects.filter(type__in=_SEALED_IN)
    for pk in list(sealed_ones.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            # A used code or a new secret in between is not overwritten.
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                continue
            column = _SEALED_IN[row.type]
            if not isinstance(row.data.get(column), str):
                continue  # recovery codes that came from elsewhere: hashes, nothing sealed
            sealed = _renewed(row.data[column], sealing.SECOND_FACTOR, done)
            if sealed is not None:
                row.data[column] = sealed
                row.save(update_fields=["data"])
    return done


def reseal_provider(tenant_id: int, *, actor: Actor) -> Resealed:
    """Seal the secret of one utility's identity provider under the present master key."""
    done = Resealed()
    with tenant_context(tenant_id):
        for row in IdentityProvider.objects.select_for_update():
            sealed = _renewed(
                bytes(row.sealed_secret).decode(), sealing.provider_purpose(tenant_id), done
            )
            if sealed is not None:
                IdentityProvider.objects.filter(pk=row.pk).update(sealed_secret=sealed.encode())
        if done.sealed:
            record(
                event="keys.rotated",
                actor=actor,
                object_type="identity_provider",
                object_id=tenant_id,
                object_label="",
                after={"sealed": done.sealed, "broken": done.broken},
            )
    return done


def _renewed(sealed: str, purpose: str, done: Resealed) -> str | None:
    if sealing.sealed_now(sealed, purpose=purpose):
        done.already += 1
        return None
    try:
        text = sealing.open_text(sealed, purpose=purpose)
    except sealing.SealBroken:
        done.broken += 1
        return None
    done.sealed += 1
    return sealing.seal_text(text, purpose=purpose)
