from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("operation/info-codes/", views.info_codes, name="info_codes"),
    path("operation/info-codes/export.csv", views.export, name="export"),
    path("meters/<int:pk>/events/", views.events, name="events"),
]
