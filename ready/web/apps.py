from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "ready.web"
    label = "web"
