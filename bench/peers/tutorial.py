"""The design of tutorials, as a baseline: a Channels consumer for each socket, all in one group of the layer.

`LAYER` in the environment is `core`, `pubsub`, or `none` for consumers that are in no group.
"""

from __future__ import annotations

import json
import os
from typing import Any

from django.conf import settings

LAYER = os.environ.get("LAYER", "none")
BACKENDS = {
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}
# redis-py's own limit of a hundred connections would refuse the 101st of many sockets that join at once.
HOST = {"address": os.environ["REDIS_URL"], "max_connections": 5000}

if not settings.configured:
    layers = {"default": {"BACKEND": BACKENDS[LAYER], "CONFIG": {"hosts": [HOST]}}} if LAYER in BACKENDS else {}
    settings.configure(INSTALLED_APPS=["channels"], CHANNEL_LAYERS=layers, SECRET_KEY="bench", ALLOWED_HOSTS=["*"])

import django  # noqa: E402

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

GROUP = "room"


class Listener(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        if self.channel_layer is not None:
            await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        if self.channel_layer is not None:
            await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def room_message(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["message"]))


application = ProtocolTypeRouter({"websocket": URLRouter([path("", Listener.as_asgi())])})
