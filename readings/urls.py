from django.urls import path

from readings.views import (
    chart,
    corrections,
    estimating,
    exchange,
    outdoor,
    priority,
    retention,
    stored,
)

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
    path("meters/<int:pk>/readings/add/", corrections.add, name="add"),
    path("meters/<int:pk>/readings/<int:key>/correct/", corrections.correct, name="correct"),
    path("meters/<int:pk>/readings/<int:key>/set-aside/", corrections.aside, name="set_aside"),
    path("meters/<int:pk>/readings/<int:key>/undo/", corrections.undo, name="undo"),
    path("meters/<int:pk>/readings/<int:key>/estimate/", estimating.estimate, name="estimate"),
    path("meters/<int:pk>/estimates/<int:estimation>/undo/", estimating.undo, name="undo_estimate"),
    path("meters/<int:pk>/history/", exchange.history, name="history"),
    path("meters/<int:pk>/exchange/", exchange.exchange, name="exchange"),
    path("meters/<int:pk>/exchange/plan/", exchange.plan, name="plan_exchange"),
    path("meters/<int:pk>/exchange/plan/cancel/", exchange.cancel, name="cancel_exchange"),
    path("meters/exchanges/", exchange.overview, name="exchanges"),
    path(
        "meters/<int:pk>/history/<int:installation>/registers/",
        exchange.registers,
        name="exchange_registers",
    ),
    path("meters/<int:pk>/history/<int:installation>/undo/", exchange.undo, name="undo_exchange"),
    path("configuration/keeping/", retention.keeping, name="keeping"),
    path("configuration/keeping/keep/", retention.keep, name="keep"),
    path("configuration/outdoor-temperature/", outdoor.page, name="outdoor"),
    path("configuration/outdoor-temperature/check/", outdoor.check, name="check_outdoor"),
    path("configuration/outdoor-temperature/import/", outdoor.store, name="import_outdoor"),
    path("configuration/outdoor-temperature/remove/", outdoor.remove, name="remove_outdoor"),
]
