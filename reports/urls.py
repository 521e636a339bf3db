from django.urls import path

from reports.views import comparing, consumption, erasing, home, paper, searching

app_name = "reports"
urlpatterns = [
    path("performance/", home.performance, name="performance"),
    path("search/", searching.found, name="search"),
    path("analysis/consumption/", consumption.consumption, name="consumption"),
    path(
        "analysis/consumption/export.csv", consumption.export_consumption, name="consumption_export"
    ),
    path("analysis/consumption/group/", consumption.group_found, name="consumption_group"),
    path("analysis/comparison/", comparing.comparison, name="comparison"),
    path("analysis/comparison/figure.json", comparing.figure, name="comparison_figure"),
    path("analysis/comparison/find/", comparing.find, name="comparison_find"),
    path("analysis/comparison/export.csv", comparing.export, name="comparison_export"),
    path("meters/<int:pk>/report.pdf", paper.meter_report, name="meter_report"),
    path("meters/<int:pk>/report/send/", paper.send_report, name="send_report"),
    path("configuration/letterhead/", paper.letterhead, name="letterhead"),
    path("configuration/letterhead/logo.png", paper.logo, name="logo"),
    path("places/<int:pk>/residents/", erasing.residents, name="residents"),
    path("places/<int:pk>/residents/<int:period>/erase/", erasing.erasure, name="erasure"),
    path("erasures/<int:pk>/", erasing.certificate, name="certificate"),
]
