"""Server entry for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ready.settings")
application = get_wsgi_application()

# The app that shared tasks are sent through; after Django, whose settings it reads.
import ready.celery  # noqa: E402, F401
