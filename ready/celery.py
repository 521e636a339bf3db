"""The Celery app and the whole timetable in one table.

Celery carries doorbells only: a message says "look", never what there is. What must be done is
rows in PostgreSQL, so a lost, doubled or late message costs nothing but a moment.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")

app = Celery("ready")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "look-at-the-inbox": {"task": "collectors.tasks.ring", "schedule": 15.0},
}
