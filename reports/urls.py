from django.urls import path

from reports import views

app_name = "reports"
urlpatterns = [
    path("analysis/consumption/", views.consumption, name="consumption"),
    path("analysis/consumption/export.csv", views.export_consumption, name="consumption_export"),
]
