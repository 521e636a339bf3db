"""People and the utilities they work for."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ready.policy import Role
from ready.tenancy.models import Tenant, TenantForeignKey, TenantModel


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
