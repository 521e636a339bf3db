"""A utility's identity provider and who its subjects are here.

An identity is an issuer and a subject. It is tied to a person by that person alone: logged in as a
member, or with the invitation in hand. An e-mail address that a provider tells is never looked at.
"""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ready.accounts import oidc, sealing
from ready.accounts.models import ExternalIdentity, IdentityProvider, Membership, PlatformOperator
from ready.audit.models import Outcome
from ready.audit.services import Actor, record
from ready.tenancy.context import current_tenant_id


class NotLinked(ValueError):
    """The identity cannot be tied to this person; the message is for people."""


def provider() -> IdentityProvider | None:
    """The current utility's provider, enabled or not."""
    found: IdentityProvider | None = IdentityProvider.objects.first()
    return found


def enabled_provider() -> IdentityProvider | None:
    """The current utility's provider, where people may log in through it."""
    found: IdentityProvider | None = IdentityProvider.objects.filter(enabled=True).first()
    return found


def secret_of(row: IdentityProvider) -> str:
    """What READY proves itself with. Raises sealing.SealBroken."""
    purpose = sealing.provider_purpose(current_tenant_id())
    return sealing.open_text(bytes(row.sealed_secret).decode(), purpose=purpose)


def configure(
    *,
    name: str,
    issuer: str,
    client_id: str,
    secret: str,
    enabled: bool,
    endpoints: oidc.Endpoints | None,
    actor: Actor,
) -> bool:
    """Set the utility's provider; an empty secret keeps the one there is. False: no change.

    endpoints: what `oidc.discover` told of the issuer, asked before the transaction; a provider
    that was not asked is not enabled. Another issuer means other people: the identities of the
    former one open nothing any more. Raises oidc.Failed.
    """
    if enabled and (endpoints is None or endpoints.issuer != issuer):
        raise oidc.Failed("discovery", "the provider was not asked")
    row = IdentityProvider.objects.select_for_update().first()
    before = None if row is None else _facts(row)
    fields: dict[str, object] = {
        "name": name,
        "issuer": issuer,
        "client_id": client_id,
        "enabled": enabled,
    }
    if before == fields and not secret:
        return False
    if row is None and not secret:
        raise oidc.Failed("secret", _("Enter the secret that the provider gave you."))
    tenant_id = current_tenant_id()
    if secret:
        fields["sealed_secret"] = sealing.seal_text(
            secret, purpose=sealing.provider_purpose(tenant_id)
        ).encode()
    IdentityProvider.objects.update_or_create(tenant_id=tenant_id, defaults=fields)
    fields.pop("sealed_secret", None)
    record(
        event="sign_in.configured",
        actor=actor,
        object_type="identity_provider",
        object_id=tenant_id,
        object_label=name,
        before=before,
        after={**fields, "secret_changed": bool(secret)},
    )
    return True


def _facts(row: IdentityProvider) -> dict[str, object]:
    return {name: getattr(row, name) for name in ("name", "issuer", "client_id", "enabled")}


def link(*, user_id: int, email: str, found: oidc.Subject, actor: Actor) -> None:
    """Tie an issuer's subject to a member, who asked for it. Raises NotLinked."""
    try:
        with transaction.atomic():
            ExternalIdentity.objects.create(
                user_id=user_id, issuer=found.issuer, subject=found.subject
            )
    except IntegrityError:
        raise NotLinked(
            _("That log-in belongs to somebody already, or you have one already.")
        ) from None
    record(
        event="identity.linked",
        actor=actor,
        object_type="person",
        object_id=user_id,
        object_label=email,
        after={"issuer": found.issuer},
    )


def unlink(*, user_id: int, email: str, actor: Actor) -> bool:
    """Untie a member from what they log in with outside; False where there was nothing."""
    gone, _kinds = ExternalIdentity.objects.filter(user_id=user_id).delete()
    if gone:
        record(
            event="identity.unlinked",
            actor=actor,
            object_type="person",
            object_id=user_id,
            object_label=email,
        )
    return bool(gone)


def is_linked(user_id: int) -> bool:
    """Whether the person may log in through the provider that is set up now."""
    row = provider()
    return row is not None and bool(
        ExternalIdentity.objects.filter(user_id=user_id, issuer=row.issuer).exists()
    )


def member_of(found: oidc.Subject) -> Membership | None:
    """The living membership of an issuer's subject in the current utility; None for nobody."""
    identity = ExternalIdentity.objects.filter(issuer=found.issuer, subject=found.subject).first()
    if identity is None:
        return None
    membership = (
        Membership.objects.select_related("user", "tenant")
        .filter(
            tenant_id=current_tenant_id(),
            user_id=identity.user_id,
            disabled_at=None,
            user__is_active=True,
        )
        .first()
    )
    if membership is None or PlatformOperator.objects.filter(user=membership.user_id).exists():
        return None
    ExternalIdentity.objects.filter(pk=identity.pk).update(last_used_at=timezone.now())
    return membership


def note_refusal(why: str, detail: str) -> None:
    """A log-in through the provider that came to nothing, in the utility's trail."""
    record(
        event="session.refused",
        actor=Actor(None, ""),
        object_type="identity_provider",
        object_id=current_tenant_id(),
        object_label="",
        details={"why": why, "detail": detail[:200]},
        outcome=Outcome.DENIED,
    )
