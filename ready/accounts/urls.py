from django.urls import path

from ready.accounts import views, views_invitation, views_profile

app_name = "accounts"
urlpatterns = [
    path("switch/", views.switch, name="switch"),
    path("language/", views.set_language, name="language"),
    path("profile/", views_profile.profile, name="profile"),
    path("prove/", views_profile.prove, name="prove"),
    path("profile/save/", views_profile.save_profile, name="save_profile"),
    path("profile/sessions/end/", views_profile.end_session, name="end_session"),
    path(
        "profile/sessions/end-others/",
        views_profile.end_other_sessions,
        name="end_other_sessions",
    ),
    path("invitation/", views_invitation.invitation, name="invitation"),
    path("invitation/accept/", views_invitation.accept_invitation, name="accept_invitation"),
    path(
        "invitation/<slug:utility>/<str:secret>/",
        views_invitation.invitation_link,
        name="invitation_link",
    ),
]
