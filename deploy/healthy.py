"""A container's health check: `healthy.py web` or `healthy.py file PATH SECONDS`.

Exits 0 when the web server answers /healthz/live, or when the file is younger than that.
"""

import http.client
import os
import sys
import time
from pathlib import Path


def web() -> bool:
    """Whether READY answers on its port, asked as the first host it answers for."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=5)
    host = os.environ["READY_ALLOWED_HOSTS"].split(",")[0].strip()
    connection.request("GET", "/healthz/live", headers={"Host": host})
    return connection.getresponse().status == 200


def young(path: Path, seconds: float) -> bool:
    """Whether the file was written within so many seconds."""
    return time.time() - path.stat().st_mtime < seconds


if __name__ == "__main__":
    if sys.argv[1] == "web":
        sys.exit(not web())
    sys.exit(not young(Path(sys.argv[2]), float(sys.argv[3])))
