from django.urls import path

from reports import views

app_name = "reports"
urlpatterns = [
    path("analysis/consumption/", views.consumption, name="consumption"),
    path("analysis/consumption/export.csv", views.export_consumption, name="consumption_export"),
    path("meters/<int:pk>/report.pdf", views.meter_report, name="meter_report"),
    path("configuration/letterhead/", views.letterhead, name="letterhead"),
    path("configuration/letterhead/logo.png", views.logo, name="logo"),
]
