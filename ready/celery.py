"""The Celery app and the whole timetable in one table.

Celery carries doorbells only: a message says "look", never what there is. What must be done is
rows in PostgreSQL, so a lost, doubled or late message costs nothing but a moment.
"""

import os
from typing import Any

from celery import Celery, Task
from celery.schedules import crontab

from ready.policy import declared

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")


class DeclaredTask(Task):  # type: ignore[misc]
    """Runs only what declares its access (`ready.policy`): SYSTEM or TENANT_SCOPED."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if declared(self.run) is None:
            raise PermissionError(f"task {self.name} declares no access")
        return super().__call__(*args, **kwargs)


app = Celery("ready", task_cls=DeclaredTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "look-at-the-inbox": {"task": "collectors.tasks.ring", "schedule": 15.0},
    # Rung at once by the page that starts an import; this is for when nobody could ring.
    "work-on-imports": {
        "task": "meters.tasks.work_imports",
        "schedule": 20.0,
        "options": {"expires": 20.0},
    },
    "forget-old-imports": {
        "task": "meters.tasks.forget_imports",
        "schedule": crontab(hour=2, minute=10),
    },
    "send-mails": {
        "task": "notifications.tasks.send_mails",
        "schedule": 20.0,
        "options": {"expires": 20.0},
    },
    "forget-key-previews": {
        "task": "meters.tasks.forget_key_previews",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
    "refresh-groups": {
        "task": "meters.tasks.refresh_groups",
        "schedule": 120.0,
        "options": {"expires": 120.0},
    },
    "seal-the-trail": {
        "task": "ready.audit.tasks.seal",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "verify-the-trail": {
        "task": "ready.audit.tasks.verify",
        "schedule": crontab(hour=2, minute=40),
        "options": {"expires": 3600.0},
    },
}
