from django.urls import path

from readings.views import chart, exchange, priority, retention, stored

app_name = "readings"
urlpatterns = [
    path("meters/priority/", priority.page, name="priority"),
    path("meters/priority/add/", priority.add, name="add_priority"),
    path("meters/priority/remove/", priority.remove, name="remove_priority"),
    path("meters/<int:pk>/consumption/", chart.chart, name="chart"),
    path("meters/<int:pk>/consumption/figure.json", chart.figure, name="figure"),
    path("meters/<int:pk>/month/", chart.month, name="month"),
    path("meters/<int:pk>/readings/", stored.reading_list, name="list"),
    path("meters/<int:pk>/readings/<int:key>/", stored.reading, name="detail"),
    path("meters/<int:pk>/history/", exchange.history, name="history"),
    path("meters/<int:pk>/exchange/", exchange.exchange, name="exchange"),
    path("meters/<int:pk>/history/<int:installation>/undo/", exchange.undo, name="undo_exchange"),
    path("configuration/keeping/", retention.keeping, name="keeping"),
    path("configuration/keeping/keep/", retention.keep, name="keep"),
]
