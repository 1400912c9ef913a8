"""The chat of Channels' own tutorial (parts 2 and 3) beside the hub, in both supported arrangements."""

from __future__ import annotations

import json
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

from notifications_hub.asgi import live_application


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    async def connect(self) -> None:
        self.room_group_name = f"chat_{self.scope['url_route']['kwargs']['room_name']}"
        await self.channel_layer.group_add(self.room_group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.room_group_name, self.channel_name)

    async def receive(self, text_data: str) -> None:
        message = {"type": "chat.message", "message": json.loads(text_data)["message"]}
        await self.channel_layer.group_send(self.room_group_name, message)

    async def chat_message(self, event: dict[str, Any]) -> None:
        message = {"message": event["message"], "person": self.scope["user"].username}
        await self.send(text_data=json.dumps(message))


django = get_asgi_application()
chat = AuthMiddlewareStack(URLRouter([re_path(r"^ws/chat/(?P<room_name>\w+)/$", ChatConsumer.as_asgi())]))

around_a_router = live_application(ProtocolTypeRouter({"http": django, "websocket": chat}))

live = live_application(django)
within_a_router = ProtocolTypeRouter({"http": live, "lifespan": live, "websocket": live_application(chat)})
