"""Logging in through a utility's identity provider; below /t/<tenant>/log-in/."""

from django.urls import path

from ready.accounts import views_sign_in

app_name = "sign_in"
urlpatterns = [
    path("", views_sign_in.log_in, name="log_in"),
    path("start/", views_sign_in.start, name="start"),
    path("back/", views_sign_in.back, name="back"),
    path("unlink/", views_sign_in.unlink, name="unlink"),
]
