from django.urls import path

from meters import views

app_name = "meters"
urlpatterns = [
    path("meters/", views.meter_list, name="list"),
    path("meters/export.csv", views.export, name="export"),
    path("meters/<int:pk>/", views.detail, name="detail"),
    path("meters/<int:pk>/values/", views.values, name="values"),
]
