"""The secrets of a data folder."""

import base64
import json
import stat
from dataclasses import asdict
from pathlib import Path

import pytest

from ready.local.credentials import generate, load_or_create
from ready.local.errors import LocalError


def test_secrets_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = load_or_create(path)
    assert load_or_create(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.json"]


def test_secrets_are_strong_and_different() -> None:
    one, other = generate(), generate()
    assert len(base64.b64decode(one.master_key, validate=True)) == 32
    assert len(one.secret_key) >= 50
    values = [*asdict(one).values(), *asdict(other).values()]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"secret_key": "only this"}'])
def test_damaged_secrets_are_never_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(text)
    with pytest.raises(LocalError, match="is damaged"):
        load_or_create(path)
    assert path.read_text() == text


def test_file_of_another_shape_is_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    made = generate()
    path.write_text(json.dumps(asdict(made) | {"comment": "kept by hand"}))
    assert load_or_create(path) == made
