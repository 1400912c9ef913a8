"""The API's responses: always JSON, `{"detail": "…"}` for every error, and never cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.operation import Operation
from ninja.security import SessionAuth
from ninja.utils import check_csrf

from notifications_hub.conf import hub_settings
from notifications_hub.inbox.openapi import SERVERS, complete
from notifications_hub.users import person_key
from notifications_hub.web.throttle import TooMany, check_rate, throttle_key, wait_in_words

View = Callable[..., HttpResponseBase]
_WITHOUT_BODY = ("GET", "HEAD", "DELETE", "OPTIONS")
"""Methods whose body no route reads."""


class SignedInSession(SessionAuth):
    """Django's session. A signed-out caller gets 401, with or without a CSRF token."""

    def __call__(self, request: HttpRequest) -> Any:
        if not request.user.is_authenticated:
            raise AuthenticationError(message=_("Sign in first."))
        if check_csrf(request) is not None:
            raise HttpError(403, _("The CSRF token is missing or wrong."))
        return request.user


class PrivateAPI(NinjaAPI):
    """An API whose responses are meant for the session's person alone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(auth=SignedInSession(), servers=SERVERS, **options)
        self._documents: dict[str, Any] = {}
        self.add_exception_handler(ValidationError, _invalid)
        self.add_exception_handler(Http404, _missing)
        self.add_exception_handler(TooMany, _refused)
        self.add_exception_handler(RequestDataTooBig, _too_big)

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> Any:
        """Return the document, which a process makes once for each prefix: it takes a tenth of a second."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        if prefix not in self._documents:
            self._documents[prefix] = complete(super().get_openapi_schema(path_prefix=prefix))
        return self._documents[prefix]

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the route's function, which clients made from the document use."""
        return operation.view_func.__name__

    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        patterns, app_name, namespace = super().urls
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = _private(pattern.callback)
        return patterns, app_name, namespace


def _private(view: View) -> View:
    # A signed-out caller gets 401 from here, also on a site with `LoginRequiredMiddleware`.
    @login_not_required
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = _too_many(request) or _unreadable(request) or view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            response = _as_json(response)
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, no_store=True, private=True)
        return response

    return answer


def _too_many(request: HttpRequest) -> JsonResponse | None:
    """Count the request before anything else, signed in or not. Return 429 if there were too many."""
    if request.user.is_authenticated:
        seconds = check_rate(f"api:person:{person_key(request.user.pk)}", hub_settings.api_rate)
    else:
        seconds = check_rate(f"api:{throttle_key(request)}", hub_settings.api_rate_per_address)
    return too_many(seconds) if seconds else None


def _unreadable(request: HttpRequest) -> JsonResponse | None:
    """Return 415 for a body of another type than JSON. No form of another site can send that type."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    has_body = length != "0" or "HTTP_TRANSFER_ENCODING" in request.META
    if not has_body or request.content_type == "application/json" or request.method in _WITHOUT_BODY:
        return None
    return problem(_("Send JSON, with the header “Content-Type: application/json”."), 415)


def revalidated(request: HttpRequest, values: dict[str, Any], etag: str) -> HttpResponse:
    """Return the values for the person's own cache, which asks again each time. Return 304 if it has them."""
    whole = JsonResponse(values, headers={"ETag": etag})
    response = get_conditional_response(request, etag=etag, response=whole) or whole
    patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ["Cookie"])
    return response


def too_many(seconds: int) -> JsonResponse:
    """Return the refusal of a client that may try again in so many seconds."""
    return JsonResponse({"detail": wait_in_words(seconds)}, status=429, headers={"Retry-After": str(seconds)})


def _refused(request: HttpRequest, error: TooMany | type[TooMany]) -> JsonResponse:
    return too_many(error.seconds) if isinstance(error, TooMany) else problem("", 429)


def _as_json(refusal: HttpResponseNotAllowed) -> JsonResponse:
    detail = _("This address answers to %(methods)s only.") % {"methods": refusal["Allow"]}
    return JsonResponse({"detail": detail}, status=405, headers={"Allow": refusal["Allow"]})


def problem(detail: str, status: int) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status)


def _invalid(request: HttpRequest, error: ValidationError | type[ValidationError]) -> JsonResponse:
    errors: Sequence[Mapping[str, Any]] = getattr(error, "errors", ())
    return problem("; ".join(map(_sentence, errors)), 400)


def _sentence(error: Mapping[str, Any]) -> str:
    """Say which field is wrong and why. The value is left out, because it may be a secret."""
    source, *path = error["loc"]
    # The path of a body starts with the parameter's name in our function, which means nothing to a caller.
    where = ".".join(map(str, path[1:] if source == "body" else path))
    what = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}" if where else what


def _missing(request: HttpRequest, error: Http404 | type[Http404]) -> JsonResponse:
    return problem(_("Not found."), 404)


def _too_big(request: HttpRequest, error: RequestDataTooBig | type[RequestDataTooBig]) -> JsonResponse:
    return problem(_("The request is too large."), 413)
