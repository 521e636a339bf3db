"""People in tests: logged in, and with a fresh proof of who they are."""

import time
from typing import Any

from django.test import Client

from ready.accounts.models import User


def log_in(client: Client, user: User, *, ago: float = 0, method: str = "password") -> None:
    """A session in which the person logged in `ago` seconds ago.

    What wants a fresh proof (step-up) is allowed for five minutes from then.
    """
    client.force_login(user)
    at = time.time() - ago
    session: Any = client.session
    session["logged_in_at"] = at
    session["account_authentication_methods"] = [{"method": method, "at": at}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
