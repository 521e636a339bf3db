from django.apps import AppConfig


class MetersConfig(AppConfig):
    name = "meters"
    trail_words = "meters.trail_words"
