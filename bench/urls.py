"""The site's own URLs, and a view that times itself."""

from __future__ import annotations

from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from bench import rates


async def compare(request: HttpRequest) -> JsonResponse:
    """Publish as an async view does, with each call in a thread, and return the rates."""

    async def call(way: Callable[[], None]) -> None:
        await sync_to_async(way)()

    return JsonResponse(await rates.compare(int(request.GET["turns"]), call))


urlpatterns = [path("bench/", compare), path("", include("config.urls"))]
