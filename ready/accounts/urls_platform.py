"""The platform's own pages; below /platform/."""

from django.urls import path

from ready.accounts import views_platform as views

app_name = "platform"
urlpatterns = [
    path("", views.utilities, name="utilities"),
    path("new/", views.create, name="create"),
    path("<slug:utility>/", views.utility, name="utility"),
    path("<slug:utility>/terms/", views.change_terms, name="change_terms"),
    path("<slug:utility>/suspend/", views.suspend, name="suspend"),
    path("<slug:utility>/enter/", views.enter, name="enter"),
    path("<slug:utility>/leave/", views.leave, name="leave"),
]
