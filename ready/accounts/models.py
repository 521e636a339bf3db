"""People and the utilities they work for."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ready.policy import Role
from ready.tenancy.models import Tenant, TenantForeignKey, TenantModel
from ready.web.units import QUANTITIES


class UserManager(BaseUserManager["User"]):
    """People are found by e-mail, whatever the case of its letters."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser):
    """A person; the e-mail address is the name. Rights come from memberships alone.

    There is no is_superuser on purpose: READY's "super user" is a role in one utility, and
    Django's flag would short-cut every check.
    """

    email = models.EmailField(_("e-mail address"), max_length=254, unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    language = models.CharField(max_length=8, blank=True)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)
    # The units this person sees on pages; blank: the utility's.
    energy_unit = models.CharField(max_length=8, blank=True, default="", db_default="")
    volume_unit = models.CharField(max_length=8, blank=True, default="", db_default="")
    flow_unit = models.CharField(max_length=8, blank=True, default="", db_default="")
    power_unit = models.CharField(max_length=8, blank=True, default="", db_default="")
    pressure_unit = models.CharField(max_length=8, blank=True, default="", db_default="")

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        # Unique without a thought for case, because there is none.
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def own_units(self) -> dict[str, str]:
        """Quantity → the unit this person chose, "" for the utility's."""
        return {one: getattr(self, f"{one}_unit") for one in QUANTITIES}


class Membership(models.Model):
    """One person's role in one utility.

    Read before the tenant is known (which utilities are mine?), so it is not a TenantModel: its
    policy shows a person's own rows, and inside a tenant all of that tenant's.
    """

    tenant = models.ForeignKey(Tenant, models.PROTECT, db_index=False, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, db_index=False, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.USER)
    created_at = models.DateTimeField(auto_now_add=True)
    # Shut out but kept: the trail and what the person made still name them.
    disabled_at = models.DateTimeField(null=True)
    # Sessions that logged in earlier than this do not open this utility any more.
    sessions_from = models.DateTimeField(null=True)
    # Sees only the meters of the groups in MembershipGroup; with none of them, no meter at all.
    limited = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="accounts_membership_once")
        ]
        # "Which utilities are mine?" is asked at every request by person, before any tenant.
        indexes = [models.Index(fields=["user", "tenant"], name="accounts_membership_user")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.tenant_id}: {self.role}"


class MembershipGroup(TenantModel):
    """One of the groups of meters that a limited membership may see.

    `group_id` is meters_metergroup.id: the app above has the model, and its migration the key.
    """

    membership = TenantForeignKey(Membership, models.CASCADE, related_name="groups")
    group_id = models.IntegerField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "membership", "group_id"], name="accounts_membershipgroup_once"
            )
        ]


class RolePermission(TenantModel):
    """Where an administrator made a role differ from `ready.policy`; the rest has no row."""

    role = models.CharField(max_length=20, choices=Role.choices)
    code = models.CharField(max_length=60)
    held = models.BooleanField()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "role", "code"], name="accounts_rolepermission_once"
            ),
            # An administrator's rights are fixed (seed: R75).
            models.CheckConstraint(
                condition=~models.Q(role=Role.ADMINISTRATOR),
                name="accounts_rolepermission_no_administrator",
            ),
        ]


class Invitation(TenantModel):
    """A place kept for somebody: a link that works once and not for long.

    The link's secret is kept as a hash only.
    """

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.USER)
    digest = models.BinaryField(max_length=32)
    invited_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "digest"], name="accounts_invitation_digest"),
            # Inviting again replaces the older invitation.
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="accounts_invitation_open",
            ),
        ]


class ApiToken(TenantModel):
    """Lets a program act: for a person (`user`), or for a system with a role of its own.

    What it may do is decided when it is used: its scopes, cut down to what its person or its role
    may do at that moment.
    """

    name = models.CharField(max_length=80)
    user = models.ForeignKey(User, models.CASCADE, null=True, db_index=False, related_name="+")
    role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    scopes = models.JSONField()  # permission codes
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(max_length=32)
    issued_by = models.CharField(max_length=254)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "prefix"], name="accounts_apitoken_prefix"),
            models.CheckConstraint(
                condition=models.Q(user=None) ^ models.Q(role=""), name="accounts_apitoken_whose"
            ),
        ]


class IdentityProvider(TenantModel):
    """Where a utility's people may log in instead (OpenID Connect); one a utility."""

    name = models.CharField(max_length=80)
    issuer = models.URLField(max_length=255)
    client_id = models.CharField(max_length=255)
    sealed_secret = models.BinaryField()
    enabled = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="accounts_identityprovider_once")
        ]


class ExternalIdentity(TenantModel):
    """Who an issuer's subject is in this utility. Issuer and subject, never an e-mail address."""

    user = models.ForeignKey(User, models.CASCADE, db_index=False, related_name="+")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "issuer", "subject"], name="accounts_externalidentity_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "user", "issuer"], name="accounts_externalidentity_user"
            ),
        ]


class PlatformOperator(models.Model):
    """A person who runs the platform. Never a utility's person: memberships do not count for them.

    The run-time role can only read this table; `manage.py operators` writes it as the owner.
    """

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True)


class Visit(TenantModel):
    """An operator inside a utility: why, from when, until when. The utility's people see it."""

    operator = models.ForeignKey(User, models.PROTECT, db_index=False, related_name="+")
    operator_name = models.CharField(max_length=254)
    reason = models.CharField(max_length=500)
    started_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        indexes = [models.Index(fields=["tenant", "-started_at"], name="accounts_visit_by_time")]


class LoginThrottle(models.Model):
    """How often logging in failed for a bucket: an account from an address, an address, …

    The bucket is a keyed hash, so that the table tells nobody's address or e-mail.
    """

    bucket = models.BinaryField(primary_key=True, max_length=32)
    failures = models.IntegerField()
    last_at = models.DateTimeField()
