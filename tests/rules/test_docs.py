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


# Proofs that are no test of ours, each with what it stands on.
_NO_TEST = {"open": "not built: the row says so"}


def test_every_requirement_names_a_test_that_is_there_or_says_why_not() -> None:
    page = (ROOT / "docs/reference/asvs.md").read_text()
    rows = re.findall(r"^\| (\d[^|]*) \| ([^|]*) \| ([^|]*) \|$", page, re.MULTILINE)
    wrong = []
    for requirement, how, proof in rows:
        paths = re.findall(r"\b((?:tests|ready|meters|collectors|templates)/[\w/.]*\w)", proof)
        targets = re.findall(r"`make ([a-z-]+)`", proof)
        names = re.findall(r"`(Test\w+|test_\w+)`", proof)
        written = "\n".join((ROOT / path).read_text() for path in paths if (ROOT / path).is_file())
        makefile = (ROOT / "Makefile").read_text()
        fine = (
            len(how) > 10
            and (paths or targets or proof in _NO_TEST or proof.endswith(".lock"))
            and all((ROOT / path).exists() for path in paths)
            and all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
            and all(re.search(rf"(def|class) {name}\b", written) for name in names)
        )
        if not fine:
            wrong.append(requirement)
    assert wrong == []
    assert len(rows) > 40
