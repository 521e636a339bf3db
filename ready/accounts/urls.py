from django.urls import path

from ready.accounts import views

app_name = "accounts"
urlpatterns = [
    path("switch/", views.switch, name="switch"),
    path("language/", views.set_language, name="language"),
]
