"""Which utility (tenant) the running code works for.

Two walls stand on this one value. The application wall: every scoped manager filters by it and
raises `UnscopedQuery` where there is none. The database wall: `SET LOCAL app.tenant` inside the
transaction, which the row-level security policies read; without it they raise, too.

`SET LOCAL` is spelled out (not `set_config`) because that is the only form Citus passes on.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

from ready.tenancy.operations import LIMITED_ROLE

_tenant: ContextVar[int | None] = ContextVar("tenant", default=None)
# The groups that a limited member sees, as the database is told them; None for everybody else.
_groups: ContextVar[str | None] = ContextVar("groups", default=None)


class UnscopedQuery(RuntimeError):
    """A tenant's rows were asked for while no tenant was set. Never caught: it is a defect."""


def current_tenant_id() -> int:
    """The tenant's id (tenancy_tenant.id). Raises UnscopedQuery where none is set."""
    tenant_id = _tenant.get()
    if tenant_id is None:
        raise UnscopedQuery("no tenant: wrap this in tenant_context(tenant_id)")
    return tenant_id


def sight() -> tuple[int, str | None]:
    """What the running code can see: the tenant's id, and the groups of a limited member. What is
    remembered of a tenant's rows beyond a request is kept under this, never under the tenant alone.
    """
    return current_tenant_id(), _groups.get()


def has_tenant() -> bool:
    """Whether a tenant is set; for what works on both sides of the wall, such as a page frame."""
    return _tenant.get() is not None


@contextmanager
def tenant_context(tenant_id: int) -> Iterator[None]:
    """Work for one tenant, in one transaction (a savepoint when nested).

    Leaving restores what was set before, also after an exception: a worker's next task must not
    inherit the last one's tenant.
    """
    nested = connection.in_atomic_block
    with transaction.atomic():
        outer = _tenant.get()
        _set_local("app.tenant", tenant_id)
        token = _tenant.set(tenant_id)
        try:
            yield
        except BaseException:
            # The rollback that follows restores the setting, too; asking a broken transaction for
            # anything would only hide what broke it.
            _tenant.reset(token)
            raise
        _tenant.reset(token)
        # The outermost transaction's end takes the setting back by itself.
        if nested and not connection.needs_rollback:
            _set_local("app.tenant", outer)


@contextmanager
def groups_context(group_ids: Iterable[int]) -> Iterator[None]:
    """Inside a tenant's context: see only the meters of these groups, and what hangs on them.

    The connection becomes a role whose own policies narrow every table (`operations.limited`), so
    no query can forget it; without any group there is no meter at all.
    """
    current_tenant_id()
    listed = ",".join(str(int(group)) for group in sorted(group_ids))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL app.groups = '{{{listed}}}'")
            cursor.execute(f"SET LOCAL ROLE {LIMITED_ROLE}")
        token = _groups.set(listed)
        try:
            yield
        finally:
            _groups.reset(token)
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL ROLE NONE")
                cursor.execute("SET LOCAL app.groups = ''")


@contextmanager
def person_context(user_id: int) -> Iterator[None]:
    """Let the database show this person's own memberships, whichever the utility."""
    with transaction.atomic():
        _set_local('app."user"', user_id)  # USER is a reserved word
        yield


def _set_local(setting: str, value: int | None) -> None:
    # SET takes no parameters; int() is what keeps this free of injection.
    text = "" if value is None else str(int(value))
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {setting} = '{text}'")
