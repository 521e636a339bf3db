"""Makes .venv hold exactly what a lock file lists: `python3.11 -I install.py requirements.lock`.

Run by path with the system's Python, before anything is installed. Does nothing when the stamp in
.venv says that the lock was installed already. uv does the work; it comes from a lock file too.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / "ready-installed"
PYTHON = VENV / "bin/python"
UV = VENV / "bin/uv"
UV_LOCK = ROOT / "requirements-uv.lock"
# Where systems keep the certificates they trust: there may be a company's own among them.
TRUSTED = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# requirements-dev.lock holds all of requirements.lock (tests/local/test_locks.py): whoever has the
# former installed needs nothing more for `make run`.
HOLDING = {"requirements.lock": ("requirements.lock", "requirements-dev.lock")}


class InstallError(Exception):
    """The packages cannot be installed; the text says why."""


def stamp(lock: Path) -> str:
    """What the stamp file holds once the lock is installed here.

    The folder is part of it: scripts in a virtualenv name the folder it was made in.
    """
    digest = hashlib.sha256(lock.read_bytes() + UV_LOCK.read_bytes()).hexdigest()
    return f"{lock.name} {digest} {VENV}\n"


def installed(names: Iterable[str]) -> bool:
    """Whether .venv works and holds one of these locks."""
    try:
        found = STAMP.read_text()
    except OSError:
        return False
    return os.access(PYTHON, os.X_OK) and any(found == stamp(ROOT / name) for name in names)


def bundled_pip() -> Path:
    """The pip that comes with Python, as a wheel: it can be run without being installed."""
    library = Path(sysconfig.get_path("stdlib"))
    folders = [
        library / "ensurepip/_bundled",
        Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or ""),
    ]
    for folder in folders:
        for wheel in sorted(folder.glob("pip-*.whl")):
            return wheel
    raise InstallError(
        f"{sys.executable} comes without pip. On Debian and Ubuntu: apt-get install python3.11-venv"
    )


def run(argv: list[str], env: dict[str, str]) -> None:
    """Run a command on this terminal. Raises InstallError when it fails."""
    try:
        subprocess.run(argv, env=env, check=True, stdin=subprocess.DEVNULL, cwd=ROOT)
    except subprocess.CalledProcessError as error:
        raise InstallError(f"{Path(argv[0]).name} failed with code {error.returncode}") from None


def cache_environment() -> dict[str, str]:
    """The environment for uv: its usual cache where it can be written, else one in .venv."""
    env = dict(os.environ)
    home = env.get("HOME")
    general = env.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else None)
    usual = env.get("UV_CACHE_DIR") or (f"{general}/uv" if general else None)
    if usual is None or not writable(Path(usual)):
        env["UV_CACHE_DIR"] = str(VENV / "uv-cache")
    return env


def writable(path: Path) -> bool:
    """Whether the folder is there, or can be made, and can be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(path, os.W_OK)


def make_virtualenv(env: dict[str, str]) -> None:
    """A virtualenv with uv in it. Raises InstallError."""
    pip = bundled_pip()
    shutil.rmtree(VENV, ignore_errors=True)
    run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], env)
    quiet = ("--quiet", "--disable-pip-version-check", "--no-cache-dir", "--only-binary=:all:")
    locked = ("--require-hashes", "--requirement", str(UV_LOCK))
    run([str(PYTHON), str(pip / "pip"), "install", *quiet, *locked], env)


def usable_virtualenv() -> bool:
    """Whether .venv was made in this folder, still has its Python, and has the right uv."""
    try:
        made_as = (VENV / "pyvenv.cfg").read_text()
        version = subprocess.run([str(UV), "--version"], capture_output=True, text=True).stdout
    except OSError:
        return False
    here = any(line.endswith(str(VENV)) for line in made_as.splitlines())
    wanted = UV_LOCK.read_text().split("uv==")[1].split()[0]
    return here and PYTHON.exists() and wanted in version.split()


def install(name: str) -> None:
    """Bring .venv in step with the lock file. Raises InstallError."""
    began = time.monotonic()
    print(f"Installing the packages of {name} into .venv ...", flush=True)
    env = cache_environment()
    if not usable_virtualenv():
        make_virtualenv(env)
    STAMP.unlink(missing_ok=True)
    target = ("--python", str(PYTHON), "--require-hashes", "--compile-bytecode", "--quiet")
    trust = ("--system-certs",) if any(Path(path).exists() for path in TRUSTED) else ()
    run([str(UV), "pip", "sync", *trust, *target, str(ROOT / name)], env)
    STAMP.write_text(stamp(ROOT / name))
    print(f"Installed in {time.monotonic() - began:.0f} s.", flush=True)


def main(name: str) -> int:
    """Install the lock file `name` unless it is there; the process's exit code."""
    if sys.version_info[:2] != (3, 11):
        print(f"READY needs Python 3.11, and this is {sys.version.split()[0]} ({sys.executable}).")
        print("Name another with: make run PYTHON=/path/to/python3.11")
        return 1
    # Two targets at the same time take turns.
    turn = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(turn, fcntl.LOCK_EX)
    if installed(HOLDING.get(name, (name,))):
        return 0
    try:
        install(name)
    except (InstallError, OSError) as error:
        print(f"The packages could not be installed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
