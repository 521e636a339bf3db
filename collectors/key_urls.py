from django.urls import path

from collectors import keyviews as views

app_name = "keys"
urlpatterns = [
    path("meters/key-doctor/", views.doctor, name="doctor"),
    path("meters/keys/", views.imports, name="imports"),
    path("meters/keys/upload/", views.upload, name="upload"),
    path("meters/keys/<int:pk>/", views.import_page, name="import"),
    path("meters/keys/<int:pk>/apply/", views.apply, name="apply"),
    path("meters/keys/<int:pk>/take-back/", views.take_back, name="take_back"),
    path("meters/keys/<int:pk>/give-up/", views.give_up, name="give_up"),
    path("meters/<int:pk>/key/", views.meter_key, name="meter"),
    path("meters/<int:pk>/key/set/", views.set_key, name="set"),
]
