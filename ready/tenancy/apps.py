from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "ready.tenancy"
    label = "tenancy"
