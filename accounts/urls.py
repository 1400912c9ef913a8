from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import path

from accounts import views
from accounts.throttles import throttled

urlpatterns = [
    path("login/", throttled("sign_in")(auth_views.LoginView.as_view()), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("signup/", throttled("sign_up")(views.sign_up), name="signup"),
    path("profile/", views.profile, name="profile"),
    path("language/", views.choose_language, name="choose_language"),
    path(
        "password/",
        throttled("password")(auth_views.PasswordChangeView.as_view(template_name="accounts/password_change.html")),
        name="password_change",
    ),
    path(
        "password/done/",
        auth_views.PasswordChangeDoneView.as_view(template_name="accounts/password_change_done.html"),
        name="password_change_done",
    ),
]
