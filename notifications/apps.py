from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    upkeep = "notifications.maintenance"
    chart_events = "notifications.events"
