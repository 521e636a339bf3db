from django.urls import path

from meters.views import lists, meter

app_name = "meters"
urlpatterns = [
    path("meters/", lists.meter_list, name="list"),
    path("meters/export.csv", lists.export, name="export"),
    path("meters/<int:pk>/", meter.detail, name="detail"),
    path("meters/<int:pk>/values/", meter.values, name="values"),
]
