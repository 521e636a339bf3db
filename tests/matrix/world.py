"""Two utilities with a bit of everything, and everybody who may come to the door."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from meters import groups
from meters.models import (
    Meter,
)
from ready.accounts import api_tokens, people
from ready.accounts import models as accounts
from ready.accounts.models import ApiToken, ExternalIdentity, Membership, User
from ready.policy import EVERYTHING, Role
from ready.tenancy.context import tenant_context
from ready.tenancy.models import Tenant
from tests import factories
from tests.conftest import as_admin
from tests.matrix.things import Utility, furnish

# A text in everything of a utility's that carries text: found anywhere else, it has leaked.
CANARY = "CANARY-{slug}"


@dataclass
class World:
    """`own` is the utility that is knocked at, `other` its neighbour."""

    own: Utility
    other: Utility
    clients: dict[str, Client] = field(default_factory=dict)

    def client(self, actor: str) -> Client:
        """A browser or program that is this actor; see ACTORS."""
        if actor not in self.clients:
            self.clients[actor] = ACTORS[actor](self)
        return self.clients[actor]


def build() -> World:
    """Committed; call with database access open."""
    world = World(own=_utility("aalund", "Aalund Varme"), other=_utility("birkelse", "Birkelse"))
    for actor in ACTORS:
        world.client(actor)  # logging in writes; asking must not
    return world


def _utility(slug: str, name: str) -> Utility:
    canary = CANARY.format(slug=slug)
    tenant = Tenant.objects.create(slug=slug, name=f"{name} {canary}", zone="UTC")
    made = Utility(tenant, canary)
    for role in Role:
        made.people[role] = person(made, f"{role}", role)
    made.people["revoked"] = person(made, "revoked", Role.ADMINISTRATOR)
    made.people["disabled"] = person(made, "disabled", Role.ADMINISTRATOR)
    with tenant_context(tenant.pk):
        Membership.objects.filter(user=made.people["revoked"]).update(disabled_at=timezone.now())
        furnish(made)
        for name, meters in (
            ("limited", Meter.objects.all()),
            ("empty", Meter.objects.filter(pk=0)),
        ):
            role = Role.SUPER_USER if name == "limited" else Role.USER
            made.people[name] = person(made, name, role)
            group = groups.create_group(name=f"{name} {canary}", actor=factories.ACTOR)
            groups.add_to_group(group=group, meters=meters, actor=factories.ACTOR)
            people.limit(
                user_id=made.people[name].pk,
                groups=[group.pk],
                actor=factories.ACTOR,
                rights=EVERYTHING,
            )
        ExternalIdentity.objects.create(
            user=made.people[Role.ADMINISTRATOR], issuer="https://id.example", subject=canary
        )
        colleague = person(made, "colleague", Role.USER)
        invitation, _secret = people.invite(
            email=f"guest.{canary}@{slug}.example",
            name=canary,
            role=Role.USER,
            actor=factories.ACTOR,
            rights=EVERYTHING,
        )
        api_tokens.issue(
            name=canary,
            scopes=["meters.view"],
            lasts=timedelta(days=1),
            user=None,
            role=Role.USER,
            actor=factories.ACTOR,
            rights=EVERYTHING,
        )
        made.things.update(
            api_token=ApiToken.objects.latest("pk").pk,
            member=colleague.pk,
            member_shut_out=made.people["revoked"].pk,
            invitation=invitation.pk,
        )
    User.objects.filter(pk=made.people["disabled"].pk).update(is_active=False)
    return made


@cache
def _password() -> str:
    return make_password("Kobberkedel-1")  # slow on purpose; once is enough


def person(utility: Utility, name: str, role: Role | None) -> User:
    """Somebody with a role in the utility (None: with none), whose names carry its canary."""
    made = User.objects.create(
        email=f"{name}.{utility.canary}@{utility.tenant.slug}.example".lower(),
        name=f"{name} {utility.canary}",
        password=_password(),
    )
    if role is not None:
        with tenant_context(utility.tenant.pk):
            Membership.objects.create(tenant=utility.tenant, user=made, role=role)
    return made


def signed_in(user: User) -> Client:
    """A browser in which the person has logged in, with a second factor and just now.

    "Just now" lasts a day, so that no test of a slow machine is led away to prove it once more.
    """
    proved = timezone.now().timestamp() + 24 * 3600
    client = Client(raise_request_exception=False)
    client.force_login(user)
    session = client.session
    session["logged_in_at"] = timezone.now().timestamp()
    session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] = [
        {"method": "password", "at": proved},
        {"method": "mfa", "type": "totp", "at": proved},
    ]
    session.save()
    return client


def _with_token(token: str) -> Client:
    return Client(raise_request_exception=False, headers={"authorization": f"Bearer {token}"})


def _disabled(world: World) -> Client:
    """Logged in before they were disabled: the session is still there."""
    user = world.own.people["disabled"]
    User.objects.filter(pk=user.pk).update(is_active=True)
    client = signed_in(User.objects.get(pk=user.pk))
    User.objects.filter(pk=user.pk).update(is_active=False)
    return client


def _operator(world: World, name: str = "operator") -> Client:
    """Runs the platform; made above the walls, as the run-time role may not."""
    user = person(world.own, name, None)
    with as_admin() as link:
        link.execute(
            "INSERT INTO accounts_platformoperator (user_id, created_at) VALUES (%s, now())",
            [user.pk],
        )
    return signed_in(user)


def _visitor(world: World) -> Client:
    """An operator who entered the utility a moment ago."""
    client = _operator(world, "visitor")
    user = User.objects.get(name__startswith="visitor ")
    with tenant_context(world.own.tenant.pk):
        accounts.Visit.objects.create(
            operator=user,
            operator_name=user.email,
            reason=world.own.canary,
            expires_at=timezone.now() + timedelta(hours=1),
        )
    return client


ACTORS: dict[str, Callable[[World], Client]] = {
    "anonymous": lambda world: Client(raise_request_exception=False),
    "disabled": _disabled,
    "revoked": lambda world: signed_in(world.own.people["revoked"]),
    "no membership": lambda world: signed_in(person(world.own, "nobody", None)),
    "user": lambda world: signed_in(world.own.people[Role.USER]),
    "super user": lambda world: signed_in(world.own.people[Role.SUPER_USER]),
    "administrator": lambda world: signed_in(world.own.people[Role.ADMINISTRATOR]),
    "limited super user": lambda world: signed_in(world.own.people["limited"]),
    "user of no group": lambda world: signed_in(world.own.people["empty"]),
    "other user": lambda world: signed_in(world.other.people[Role.USER]),
    "other super user": lambda world: signed_in(world.other.people[Role.SUPER_USER]),
    "other administrator": lambda world: signed_in(world.other.people[Role.ADMINISTRATOR]),
    "platform operator": _operator,
    "visiting operator": _visitor,
    "API token": lambda world: _with_token(world.own.api_token),
    "revoked API token": lambda world: _with_token(world.own.revoked_api_token),
    "collector": lambda world: _with_token(world.own.token),
    "revoked collector": lambda world: _with_token(world.own.revoked_token),
}
# Limited to a group with all meters, and to one with none.
LIMITED = ("limited super user", "user of no group")
ROLES = {
    "user": Role.USER,
    "super user": Role.SUPER_USER,
    "administrator": Role.ADMINISTRATOR,
    "limited super user": Role.SUPER_USER,
    "user of no group": Role.USER,
}
OUTSIDERS = (
    "revoked",
    "no membership",
    "other user",
    "other super user",
    "other administrator",
    "platform operator",
)
STRANGERS = (
    "anonymous",
    "disabled",
    "collector",
    "revoked collector",
    "API token",
    "revoked API token",
)
DEVICES = ("collector", "revoked collector")
