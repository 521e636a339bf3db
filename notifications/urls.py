from django.urls import path

from notifications import views
from notifications import views_outbox as outbox

app_name = "notifications"
urlpatterns = [
    path("operation/info-codes/", views.info_codes, name="info_codes"),
    path("operation/info-codes/export.csv", views.export, name="export"),
    path("operation/outbox/", outbox.page, name="outbox"),
    path("operation/outbox/<int:entry>/again/", outbox.again, name="try_again"),
    path("operation/outbox/<int:entry>/give-up/", outbox.give_up, name="give_up"),
    path("meters/<int:pk>/events/", views.events, name="events"),
]
