from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "ready.accounts"
    label = "accounts"
    upkeep = "ready.accounts.upkeep"
