"""A utility's letterhead."""

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from ready.audit.services import Actor, record
from reports.models import Letterhead

# As large as a PDF shows it, twice over for print.
_LOGO = (720, 240)
LOGO_BYTES = 2 << 20
_LOGO_PIXELS = 25_000_000


class BadLogo(Exception):
    """No picture that can be put on paper."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands at the head of a PDF."""

    name: str
    lines: tuple[str, ...]
    logo: bytes


def head_of(name: str) -> Head:
    """The current utility's letterhead; its name alone where nobody made one."""
    row = Letterhead.objects.first()
    if row is None:
        return Head(name, (), b"")
    return Head(name, tuple(row.lines.splitlines()), bytes(row.logo))


def set_letterhead(*, lines: str, logo: bytes | None, actor: Actor) -> None:
    """Keep the address lines and, where given, a new logo (empty: none at all).

    logo: PNG or JPEG as it was uploaded; only what was decoded from it is kept. Raises BadLogo.
    """
    # Whoever saves the first one at the same moment finds this, and waits.
    Letterhead.objects.bulk_create([Letterhead()], ignore_conflicts=True)
    row: Letterhead = Letterhead.objects.select_for_update().get()
    before = {"lines": row.lines, "logo": len(row.logo)}
    row.lines = lines
    if logo is not None:
        row.logo = _redrawn(logo) if logo else b""
    row.save()
    record(
        event="letterhead.changed",
        actor=actor,
        object_type="letterhead",
        object_id=row.pk,
        object_label="letterhead",
        before=before,
        after={"lines": row.lines, "logo": len(row.logo)},
    )


def _redrawn(upload: bytes) -> bytes:
    """The picture drawn anew, small enough: whatever else the file held stays behind."""
    try:
        with Image.open(BytesIO(upload), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > _LOGO_PIXELS:
                raise BadLogo
            picture.load()
            drawn = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadLogo from error
    drawn.thumbnail(_LOGO)
    kept = BytesIO()
    drawn.save(kept, "PNG")
    return kept.getvalue()
