"""Configuration's pages about people; below /t/<tenant>/configuration/."""

from django.urls import path

from ready.accounts import views_people, views_sign_in, views_tokens

app_name = "configuration"
urlpatterns = [
    path("users/", views_people.users, name="users"),
    path("users/invite/", views_people.invite, name="invite"),
    path(
        "users/invitations/<int:pk>/revoke/",
        views_people.revoke_invitation,
        name="revoke_invitation",
    ),
    path("users/<int:user_id>/", views_people.user, name="user"),
    path("users/<int:user_id>/role/", views_people.change_role, name="change_role"),
    path("users/<int:user_id>/disable/", views_people.disable_user, name="disable_user"),
    path("users/<int:user_id>/enable/", views_people.enable_user, name="enable_user"),
    path(
        "users/<int:user_id>/end-sessions/",
        views_people.end_user_sessions,
        name="end_user_sessions",
    ),
    path("users/<int:user_id>/remove/", views_people.remove_user, name="remove_user"),
    path("users/<int:user_id>/limit/", views_people.limit_user, name="limit_user"),
    path("tokens/", views_tokens.tokens, name="tokens"),
    path("tokens/issue/", views_tokens.issue_token, name="issue_token"),
    path("tokens/<int:pk>/revoke/", views_tokens.revoke_token, name="revoke_token"),
    path("sign-in/", views_sign_in.settings_page, name="sign_in"),
    path("sign-in/save/", views_sign_in.configure, name="configure_sign_in"),
    path("roles/", views_people.role_grid, name="roles"),
    path("roles/change/", views_people.change_roles, name="change_roles"),
]
