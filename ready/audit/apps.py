from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "ready.audit"
    label = "audit"
    upkeep = "ready.audit.erasure"
