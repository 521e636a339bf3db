"""The installer, and the lock files it installs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ready.local import install
from ready.local.programs import ROOT


def pins(name: str) -> dict[str, str]:
    """Package → version in a lock file."""
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_development_lock_holds_all_of_the_other() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-dev.lock", "requirements-uv.lock"]
)
def test_every_package_is_locked_by_hash(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_locks_follow_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {
        "requirements.lock": [*project["dependencies"], *extras["local"]],
        "requirements-dev.lock": [*project["dependencies"], *extras["local"], *extras["dev"]],
    }
    for name, requirements in wanted.items():
        locked = pins(name)
        for requirement in requirements:
            package, _, version = re.sub(r"\[.*?\]", "", requirement).partition("==")
            assert locked.get(package) == version, f"{requirement} is not in {name}: make lock"


def test_stamp_changes_with_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1")
    first = install.stamp(lock)
    lock.write_text("a==2")
    assert install.stamp(lock) != first


def test_pip_comes_with_python() -> None:
    done = subprocess.run(
        [sys.executable, str(install.bundled_pip() / "pip"), "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("pip ")


@pytest.mark.parametrize("variable", ["UV_CACHE_DIR", "XDG_CACHE_HOME", "HOME", None])
def test_cache_of_uv_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str | None
) -> None:
    for name in ("UV_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    if variable is None:
        assert install.cache_environment()["UV_CACHE_DIR"] == str(install.VENV / "uv-cache")
    else:
        monkeypatch.setenv(variable, str(tmp_path))
        usual = {"UV_CACHE_DIR": str(tmp_path)} if variable == "UV_CACHE_DIR" else {}
        chosen = install.cache_environment()
        assert {name: chosen[name] for name in chosen if name == "UV_CACHE_DIR"} == usual


def test_home_that_cannot_be_made_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nonexistent")
    assert install.cache_environment()["UV_CACHE_DIR"] == str(install.VENV / "uv-cache")


def test_another_python_is_refused_in_words() -> None:
    code = (
        "import runpy, sys; sys.version_info = (3, 9, 1, 'final', 0); sys.argv = ['x', 'y.lock'];"
        f"runpy.run_path({install.__file__!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "READY needs Python 3.11" in done.stdout
