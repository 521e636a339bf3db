from django.urls import path

from readings import views

app_name = "readings"
urlpatterns = [
    path("meters/<int:pk>/consumption/", views.chart, name="chart"),
    path("meters/<int:pk>/consumption/figure.json", views.figure, name="figure"),
    path("meters/<int:pk>/month/", views.month, name="month"),
    path("meters/<int:pk>/readings/", views.reading_list, name="list"),
    path("meters/<int:pk>/readings/<int:key>/", views.reading, name="detail"),
]
