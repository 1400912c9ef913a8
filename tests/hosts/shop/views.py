"""Views that notify."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from notifications.signals import notify

from notifications_hub import publish


class OutOfStock(Exception):
    pass


def buy(buyer: str, seller: str, what: str) -> None:
    """Sell something. Nothing of it remains if it is out of stock."""
    find = get_user_model().objects.get_by_natural_key
    with transaction.atomic():
        notify.send(find(buyer), recipient=find(seller), verb="bought", kind="shop.sold", url="/", what=what)
        publish("shop", "sold", {"what": what})
        if what == "gold":
            raise OutOfStock


def buy_view(request: HttpRequest, what: str) -> HttpResponse:
    try:
        buy("bob", "alice", what)
    except OutOfStock:
        return HttpResponse(status=409)
    return HttpResponse("Sold.")


async def buy_async(request: HttpRequest, what: str) -> HttpResponse:
    return await sync_to_async(buy_view)(request, what)


urlpatterns = [path("buy/<what>/", buy_view), path("buy-async/<what>/", buy_async)]
