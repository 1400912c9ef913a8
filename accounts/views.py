from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language_from_request
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django.views.i18n import set_language

from accounts.forms import ProfileForm, SignUpForm
from accounts.models import User


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(_next(request))
    form = SignUpForm(request.POST or None)
    if form.is_valid():
        form.instance.language = _language_of_cookie(request)
        person = form.save()
        login(request, person, backend="django.contrib.auth.backends.ModelBackend")
        messages.success(request, _("Welcome, %(name)s!") % {"name": person})
        return HttpResponseRedirect(_next(request))
    return render(request, "registration/signup.html", {"form": form, "next": _next(request)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    # Load a separate copy, because an invalid form changes its instance and the page header shows request.user.
    person = User.objects.get_by_natural_key(request.user.get_username())
    form = ProfileForm(request.POST or None, instance=person)
    if form.is_valid():
        form.save()
        response = redirect("profile")
        if "language" in form.changed_data and not person.language:
            _follow_browser(request, response)
        with translation.override(person.language or get_language_from_request(request)):
            messages.success(request, _("Profile saved."))
        return response
    return render(request, "accounts/profile.html", {"form": form})


@require_POST
def choose_language(request: HttpRequest) -> HttpResponseBase:
    """Set the language in a cookie, as Django's view does, and in the profile of a signed-in person."""
    chosen = request.POST.get("language", "")
    if request.user.is_authenticated and chosen in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    return set_language(request)


def _language_of_cookie(request: HttpRequest) -> str:
    """Return the language that the visitor chose before signing up, or an empty text."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def _follow_browser(request: HttpRequest, response: HttpResponse) -> None:
    # An earlier choice is also in a cookie, which would go on overriding the browser's language.
    request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)
    response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", request.GET.get("next", ""))
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else resolve_url(settings.LOGIN_REDIRECT_URL)
