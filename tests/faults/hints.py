"""A burst of hints, as other processes send them."""

from __future__ import annotations

from tests.faults.run import Run


def send_hints(run: Run, count: int) -> None:
    """Hint at the inboxes of all people, and at topics that nobody listens to, one topic a message."""
    run.python(f"""
        import asyncio
        import logging
        from channels.layers import get_channel_layer
        from django.contrib.auth import get_user_model
        from notifications_hub.live.channel_layer import GROUP
        from notifications_hub.streams.models import inbox_topic

        logging.getLogger("channels_redis.core").setLevel("WARNING")
        topics = [inbox_topic(pk) for pk in get_user_model().objects.values_list("pk", flat=True)]
        topics += [f"unknown.{{number}}" for number in range(len(topics))]

        async def send() -> None:
            layer = get_channel_layer()
            for number in range({count}):
                tops = [(topics[number % len(topics)], number)]
                await layer.group_send(GROUP, {{"type": "hub.hint", "tops": tops, "from": ""}})
            await layer.flush() if "pubsub" in type(layer).__module__ else await layer.close_pools()

        asyncio.run(send())
    """)
