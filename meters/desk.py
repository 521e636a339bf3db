"""What a person keeps about a list: its columns, and lists under a name.

Own columns are nobody else's business and leave no trail; a filter that others see does.
"""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _

from meters.models import ListLayout, SavedFilter
from ready.audit.services import Actor, record

NAME_MAX = 80
QUERY_MAX = 500


def layout_of(*, user_id: int, list_key: str) -> list[str]:
    """The keys of the columns that a person chose, in order; none where they never did."""
    kept = ListLayout.objects.filter(user=user_id, list_key=list_key).first()
    return list(kept.columns) if kept else []


def keep_layout(*, user_id: int, list_key: str, columns: Sequence[str]) -> None:
    """Remember a person's columns; none means: as READY shows them to everybody."""
    if columns:
        ListLayout.objects.update_or_create(
            user_id=user_id, list_key=list_key, defaults={"columns": list(columns)}
        )
    else:
        ListLayout.objects.filter(user=user_id, list_key=list_key).delete()


def filters_of(*, user_id: int, list_key: str) -> list[SavedFilter]:
    """The person's own saved filters, then those that others share, each by name."""
    kept = SavedFilter.objects.filter(Q(user=user_id) | Q(shared=True), list_key=list_key)
    return sorted(kept, key=lambda one: (one.user_id != user_id, one.name.casefold(), one.pk))


def save_filter(
    *, user_id: int, list_key: str, name: str, query: str, shared: bool, actor: Actor
) -> SavedFilter:
    """Keep a list's address under a name; the same name again replaces it.

    query: from "?" on; anything else is no address of the list, and becomes the whole list.
    """
    name = " ".join(name.replace("\0", "").split())
    # It is drawn as a link for all who share it: it must never lead to another site.
    query = query.replace("\0", "") if query.startswith("?") else "?"
    if not name or len(name) > NAME_MAX:
        raise ValidationError(
            _("Give the filter a name of 1 to %(max)s letters.") % {"max": NAME_MAX}, code="name"
        )
    if len(query) > QUERY_MAX:
        raise ValidationError(_("This filter is too long to be saved."), code="query")
    kept: SavedFilter
    kept, _made = SavedFilter.objects.update_or_create(
        user_id=user_id,
        list_key=list_key,
        name=name,
        defaults={"query": query, "shared": shared},
    )
    if shared:
        _tell("filter.shared", kept, actor)
    return kept


def delete_filter(*, user_id: int, pk: int, actor: Actor) -> None:
    """Forget one of the person's own filters; another's stays."""
    kept = SavedFilter.objects.filter(pk=pk, user=user_id).first()
    if kept is None:
        return
    if kept.shared:
        _tell("filter.deleted", kept, actor)
    kept.delete()


def _tell(event: str, kept: SavedFilter, actor: Actor) -> None:
    record(
        event=event,
        actor=actor,
        object_type="filter",
        object_id=kept.pk,
        object_label=kept.name,
        after={"list": kept.list_key, "query": kept.query},
    )
