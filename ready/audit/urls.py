from django.urls import path

from ready.audit import views

app_name = "audit"
urlpatterns = [
    path("configuration/audit/", views.trail, name="trail"),
    path("configuration/audit/<int:pk>/", views.entry, name="entry"),
    path("configuration/audit/export.csv", views.export, {"kind": "csv"}, name="export_csv"),
    path("configuration/audit/export.xlsx", views.export, {"kind": "xlsx"}, name="export_xlsx"),
]
