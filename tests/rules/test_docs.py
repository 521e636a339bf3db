"""What exists is documented: settings, and every file the documentation points to."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_setting_is_documented() -> None:
    told = set(
        re.findall(r"^\| ([A-Z_]+) \|", (ROOT / "docs/reference/settings.md").read_text(), re.M)
    )
    read = set(
        re.findall(
            r'env_(?:text|int|list)\(\s*"([A-Z_]+)"', (ROOT / "ready/settings.py").read_text()
        )
    )
    assert read <= told, f"not documented: {read - told}"
    used = "\n".join(path.read_text() for path in (ROOT / "ready").rglob("*.py"))
    assert [name for name in told if name not in used and name != "PORT"] == []


def test_every_link_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
