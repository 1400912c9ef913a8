"""A transport that appends each message to a file, so that what a killed process sent is known."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable
from pathlib import Path

from django.contrib.auth.models import AbstractBaseUser

from notifications_hub.message import Message


class FileTransport:
    """Each person has one address, their primary key. `SENT_FILE` names the file: a line of tag and address each."""

    name = "web_push"
    confirms = True

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        return [str(person.pk)]

    async def send(self, message: Message, address: str) -> None:
        await asyncio.sleep(0.01)
        _append(f"{message.tag} {address}\n")


def _append(line: str) -> None:
    with Path(os.environ["SENT_FILE"]).open("a") as sent:
        sent.write(line)


class DigestFile(FileTransport):
    """The same for emails with digests. A line has a digest's group, the titles that it names, and how many more."""

    name = "email"
    confirms = False
    digests = True

    async def send(self, message: Message, address: str) -> None:
        await asyncio.sleep(0.01)
        titles = [line.title for section in message.sections for line in section.lines]
        _append(json.dumps({"person": address, "group": message.group, "titles": titles, "more": message.more}) + "\n")


class NoMail(DigestFile):
    """Emails with digests that are sent in no time, to nobody."""

    async def send(self, message: Message, address: str) -> None:
        return None
