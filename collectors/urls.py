from django.urls import path

from collectors import inspector, views

app_name = "collectors"
urlpatterns = [
    path("operation/telegrams/", views.telegrams, name="telegrams"),
    path("operation/telegrams/<str:key>/", views.telegram, name="telegram"),
    path("operation/telegrams/<str:key>/inspect/", inspector.inspect_kept, name="inspect"),
    path("operation/inspector/", inspector.inspector, name="inspector"),
    path("operation/collectors/", views.collector_list, name="list"),
    path("meters/<int:pk>/telegrams/", views.meter_telegrams, name="meter"),
    path("meters/<int:pk>/heard/", views.heard, name="heard"),
    path("meters/<int:pk>/readings/<int:key>/telegrams/", views.reading_telegrams, name="reading"),
]
