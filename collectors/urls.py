from django.urls import path

from collectors import inspector, quarantine, registry, views

app_name = "collectors"
urlpatterns = [
    path("operation/telegrams/", views.telegrams, name="telegrams"),
    path("operation/telegrams/<str:key>/", views.telegram, name="telegram"),
    path("operation/telegrams/<str:key>/inspect/", inspector.inspect_kept, name="inspect"),
    path("operation/inspector/", inspector.inspector, name="inspector"),
    path("operation/quarantine/", quarantine.quarantine, name="quarantine"),
    path("operation/quarantine/replay/", quarantine.replay, name="replay"),
    path("operation/collectors/", views.collector_list, name="list"),
    path("operation/collectors/new/", registry.new, name="new"),
    path("operation/collectors/create/", registry.create, name="create"),
    path("operation/collectors/<int:pk>/", registry.edit, name="edit"),
    path("operation/collectors/<int:pk>/change/", registry.change, name="change"),
    path("operation/collectors/<int:pk>/tokens/", registry.issue_token, name="issue_token"),
    path(
        "operation/collectors/<int:pk>/tokens/<str:prefix>/revoke/",
        registry.revoke_token,
        name="revoke_token",
    ),
    path("operation/collectors/positions.json", views.positions, name="positions"),
    path("meters/<int:pk>/telegrams/", views.meter_telegrams, name="meter"),
    path("meters/<int:pk>/heard/", views.heard, name="heard"),
    path("meters/<int:pk>/readings/<int:key>/telegrams/", views.reading_telegrams, name="reading"),
]
