"""Every pair of colours that meet can be read, light and dark (WCAG 1.4.3 and 1.4.11)."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).parents[2] / "static" / "css" / "tokens.css"
STATES = ("fine", "attention", "alarm", "unheard", "other", "collector")
QUANTITIES = (
    "flow-temperature",
    "return-temperature",
    "energy",
    "volume",
    "power",
    "electricity",
    "outdoor",
)
GROUP_COLOURS = ("grey", "blue", "teal", "green", "ochre", "red", "pink", "violet")
GROUNDS = ("page", "surface", "raised", "hover", "selected")
TEXT_PAIRS = [
    *((text, ground) for text in ("ink", "ink-muted") for ground in (*GROUNDS, "sunken")),
    *(("brand", ground) for ground in (*GROUNDS, "brand-tint")),
    *(("brand-strong", ground) for ground in GROUNDS),
    ("on-brand", "brand"),
    ("on-brand", "brand-strong"),
    ("surface", "alarm"),
    *((state, f"{state}-tint") for state in STATES),
    *((state, ground) for state in STATES for ground in ("page", "surface", "hover")),
    *(("ink", f"{state}-tint") for state in STATES),
    *((quantity, ground) for quantity in QUANTITIES for ground in ("page", "surface", "hover")),
]
# What is no text: borders of fields, focus rings, the baseline of a missing value.
GRAPHIC_PAIRS = [
    *((line, ground) for line in ("line-strong", "focus") for ground in ("page", "surface")),
    *((f"group-{name}", ground) for name in GROUP_COLOURS for ground in GROUNDS),
]


def _themes() -> dict[str, dict[str, str]]:
    css = re.sub(r"/\*.*?\*/", "", TOKENS.read_text(), flags=re.DOTALL)
    themes: dict[str, dict[str, str]] = {"light": {}, "dark": {}}
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        colours = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", body))
        for name, theme in themes.items():
            if f'"{name}"' in selector:
                theme.update(colours)
    return themes


def _luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_known_extremes() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("pairs", "least"), [(TEXT_PAIRS, 4.5), (GRAPHIC_PAIRS, 3.0)], ids=["text", "graphics"]
)
def test_pairs_are_far_enough_apart(theme: str, pairs: list[tuple[str, str]], least: float) -> None:
    colours = _themes()[theme]
    too_close = {
        f"{front} on {ground}": round(_contrast(colours[front], colours[ground]), 2)
        for front, ground in pairs
        if _contrast(colours[front], colours[ground]) < least
    }
    assert too_close == {}


def test_both_themes_name_the_same_colours() -> None:
    themes = _themes()
    assert themes["light"].keys() == themes["dark"].keys()
    assert len(themes["light"]) > 30


def test_no_other_style_sheet_names_a_colour() -> None:
    sheets = [path for path in TOKENS.parent.glob("*.css") if path != TOKENS]
    naming = {
        path.name: found
        for path in sheets
        if (found := re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgb\(|\bhsl\(", path.read_text()))
    }
    assert sheets
    assert naming == {}
