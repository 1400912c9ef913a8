"""The site's own URLs, and a view that times itself."""

from __future__ import annotations

import time

from asgiref.sync import sync_to_async
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from bench.rates import WAYS


async def rate(request: HttpRequest, way: str) -> JsonResponse:
    """Events a second of a way to write, from an async view as one would be written."""
    function, each = WAYS[way]
    call = sync_to_async(function)
    seconds = float(request.GET["seconds"])
    await call()
    began, calls = time.monotonic(), 0
    while (took := time.monotonic() - began) < seconds:
        await call()
        calls += 1
    return JsonResponse({"per_second": calls * each / took})


urlpatterns = [path("bench/<str:way>/", rate), path("", include("config.urls"))]
