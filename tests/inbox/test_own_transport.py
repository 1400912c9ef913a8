"""A host's own transport, added by one setting: people can choose it, kinds can name it, and no choice is lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from notifications_hub import kinds
from notifications_hub.delivery import arming, preferences
from notifications_hub.delivery.models import Delivery, Preference
from notifications_hub.kinds import DeliveryMethod, Kind, get_kind
from notifications_hub.notification import Notification
from notifications_hub.transports.memory import Memory
from tests.inbox.support import ClientFor, send_one
from tests.support.deliveries import send

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.both_databases(short="sqlite")

PREFERENCES = "/notifications/preferences/"
DEFAULT = {"web_push": "notifications_hub.transports.web_push.transport.WebPush"}


class Sms(Memory):
    name = "sms"


class PaperMail(Memory):
    name = "paper_mail"


class Letter(Memory):
    """A transport with a label for people."""

    name = "letter"
    label: ClassVar[str | Promise] = gettext_lazy("email")


class Unmakeable(Memory):
    def __init__(self) -> None:
        raise RuntimeError("no credentials")


@pytest.fixture
def _alarm() -> Iterator[None]:
    class Alarm(Kind):
        name = "tests.alarm"
        methods = frozenset({DeliveryMethod.LIVE, "sms"})

    yield
    del kinds._kinds["tests.alarm"]


def use(settings: Any, **transports: type) -> None:
    paths = {name: f"{one.__module__}.{one.__qualname__}" for name, one in transports.items()}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": {**DEFAULT, **paths}}


def choices(response: Any, kind: str = "default") -> dict[str, bool]:
    [row] = [row for row in response.context["table"].rows if row.name == kind]
    return {choice.label: choice.checked for choice in row.methods}


def test_a_transport_is_offered_by_its_label_or_its_name(alice: User, client_for: ClientFor, settings: Any) -> None:
    use(settings, sms=Sms, paper_mail=PaperMail, letter=Letter)
    labels = list(choices(client_for(alice).get(PREFERENCES)))
    assert labels == ["While you are here", "On the next page", "Push", "Sms", "Paper mail", "email"]


def test_a_transports_label_is_in_the_readers_language(alice: User, client_for: ClientFor, settings: Any) -> None:
    use(settings, letter=Letter)
    alice.language = "zh-hans"
    alice.save()
    with translation.override("zh-hans"):
        label = str(gettext_lazy("email"))
    assert label != "email"
    assert list(choices(client_for(alice).get(PREFERENCES)))[-1] == label


@pytest.mark.both_databases
def test_a_choice_is_saved_shown_and_followed(alice: User, bob: User, client_for: ClientFor, settings: Any) -> None:
    use(settings, sms=Sms)
    client = client_for(alice)
    response = client.post(PREFERENCES, {"shown": "default", "default:sms": "on", "default:live": "on"}, follow=True)

    assert response.status_code == 200
    assert choices(response) == {"While you are here": True, "On the next page": False, "Push": False, "Sms": True}
    send_one(alice, bob)
    assert list(Delivery.objects.values_list("transport", "address")) == [("sms", str(alice.pk))]


def test_a_choice_outlives_a_time_without_the_transport(
    alice: User, bob: User, client_for: ClientFor, settings: Any
) -> None:
    client = client_for(alice)
    use(settings, sms=Sms)
    client.post(PREFERENCES, {"shown": "default", "default:sms": "on"})
    use(settings)
    send_one(alice, bob)
    client.post(PREFERENCES, {"shown": "default", "default:flash": "on"})
    assert not Delivery.objects.exists()
    assert Preference.objects.get(kind="default").methods == ["flash", "sms"]
    use(settings, sms=Sms)
    assert choices(client.get(PREFERENCES))["Sms"] is True


@pytest.mark.usefixtures("_alarm")
def test_a_kind_may_name_a_transport_as_a_default(alice: User, bob: User, client_for: ClientFor, settings: Any) -> None:
    use(settings, sms=Sms)
    assert choices(client_for(alice).get(PREFERENCES), "tests.alarm")["Sms"] is True
    assert preferences.methods_of([alice.pk], get_kind("tests.alarm")) == {alice.pk: {"live", "sms"}}
    send_one(alice, bob, kind="tests.alarm")
    assert [one.transport for one in Delivery.objects.all()] == ["sms"]


def test_the_delivery_page_names_the_transport(alice: User, bob: User, client_for: ClientFor, settings: Any) -> None:
    use(settings, sms=Sms)
    preferences.choose_methods(alice, "default", ["sms"])
    row = send_one(alice, bob)
    client = client_for(alice)
    assert "Next: we&#x27;ll send it to Sms" in client.get(f"/notifications/{row.item_id}/why/").content.decode()
    arming.mark_delivered([row.pk], "sms")
    assert (
        "Not sent to Sms: you had already been notified."
        in client.get(f"/notifications/{row.item_id}/why/").content.decode()
    )


def test_the_delivery_page_says_that_the_transport_reached_the_person(
    alice: User, bob: User, client_for: ClientFor, settings: Any
) -> None:
    use(settings, letter=Letter)
    row = send_one(alice, bob)
    arming.mark_delivered([row.pk], "letter")
    client, path = client_for(alice), f"/notifications/{row.item_id}/why/"
    assert "You got it by email." in client.get(path).content.decode()
    use(settings)
    assert "You got it by Letter." in client.get(path).content.decode()


def test_a_site_without_web_push_does_not_speak_of_pushes(
    alice: User, bob: User, client_for: ClientFor, settings: Any
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"web_push": None}}
    row, client = send_one(alice, bob), client_for(alice)
    assert client.get(f"/notifications/{row.item_id}/why/").context["not_pushed"] == ""
    context = client.get(PREFERENCES).context
    assert (context["push_available"], context["push_column"]) == (False, None)
    assert [one.name for one in context["table"].rows[0].methods] == ["live", "flash"]


class Siren(Sms):
    label = "Siren & lamp"
    on_by_default = True
    optional = False


def test_a_locked_switch_is_on_and_says_why(alice: User, client_for: ClientFor, settings: Any) -> None:
    use(settings, siren=Siren)
    response = client_for(alice).get(PREFERENCES)
    page = response.content.decode()
    assert page.count("You can't turn off “Siren &amp; lamp” where its switch is locked") == 1
    assert 'disabled aria-describedby="locked-siren"' in page
    rows = {row.name: row.methods for row in response.context["table"].rows}
    locked = [(name, one.name) for name in ("default", "comment.reply") for one in rows[name] if one.locked]
    assert locked == [("default", "siren")]
    use(settings, sms=Sms)
    assert "is locked" not in client_for(alice).get(PREFERENCES).content.decode()


def test_the_admin_shows_a_transport_by_its_label(
    alice: User, admin: User, client_for: ClientFor, settings: Any
) -> None:
    use(settings, siren=Siren)
    row = send(admin, alice)[0]
    client = client_for(admin)
    deliveries = client.get("/admin/notifications_hub/delivery/").content.decode()
    assert "?transport=siren" in deliveries
    assert deliveries.count("Siren &amp; lamp") >= 2
    arming.mark_delivered([row.pk], "siren")
    listed = client.get("/admin/notifications_hub/notification/?delivered_by=siren").content.decode()
    assert ", Siren &amp; lamp" in listed
    story = client.get(f"/admin/notifications_hub/notification/{row.pk}/change/").content.decode()
    assert "Already delivered (Siren &amp; lamp)" in story


def test_a_broken_transport_does_not_break_the_page(
    alice: User, client_for: ClientFor, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    use(settings, fax=Unmakeable)
    assert list(choices(client_for(alice).get(PREFERENCES)))[-1] == "Fax"
    assert "no credentials" in caplog.text


class Broken(Sms):
    """A transport that fails for Bob, with a query that PostgreSQL refuses."""

    def addresses(self, person: Any) -> list[str]:
        if person.username == "bob":
            with connection.cursor() as sql:
                sql.execute("SELECT nothing FROM nowhere")
        return [f"sms-{person.pk}"]


@pytest.mark.both_databases
def test_a_transport_that_fails_for_one_person_costs_only_their_delivery(
    alice: User, bob: User, charlie: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    use(settings, broken=Broken)
    for person in (alice, bob, charlie):
        preferences.choose_methods(person, "default", ["live", "broken"])
    send(charlie, alice, bob, charlie)
    assert Notification.objects.count() == 3
    planned = Delivery.objects.filter(transport="broken").order_by("pk").values_list("address", flat=True)
    assert list(planned) == [f"sms-{alice.pk}", f"sms-{charlie.pk}"]
    assert f"'broken' gets no deliveries for 1 people: [{bob.pk}]" in caplog.text


def test_a_transport_that_cannot_be_created_does_not_stop_a_notification(
    alice: User, charlie: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    use(settings, fax=Unmakeable, sms=Sms)
    preferences.choose_methods(alice, "default", ["live", "fax", "sms"])
    send(charlie, alice)
    assert list(Delivery.objects.values_list("transport", flat=True)) == ["sms"]
    assert "no credentials" in caplog.text


class Wrong(Sms):
    """A transport with a fault: it finds a number, and a text that no database stores."""

    def addresses_of(self, people: Collection[Any]) -> dict[Any, list[Any]]:
        users = get_user_model().objects.in_bulk(people)
        return {pk: [{"alice": 7, "bob": "sms\0"}.get(user.username, "sms")] for pk, user in users.items()}


class Generous(Sms):
    """A transport that returns all it knows, whomever it was asked for."""

    def addresses_of(self, people: Collection[Any]) -> dict[Any, list[str]]:
        return {pk: ["sms"] for pk in get_user_model().objects.values_list("pk", flat=True)}


@pytest.mark.both_databases
def test_an_address_that_cannot_be_stored_costs_only_its_own_delivery(
    alice: User, bob: User, charlie: User, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    use(settings, wrong=Wrong)
    for person in (alice, bob, charlie):
        preferences.choose_methods(person, "default", ["live", "wrong"])
    send(charlie, alice, bob, charlie)
    assert Notification.objects.count() == 3
    assert Delivery.objects.get().notification.recipient == charlie
    assert f"'wrong' gets no deliveries for 2 people: [{alice.pk}, {bob.pk}]" in caplog.text


def test_nobody_gets_a_delivery_of_a_notification_for_others(
    alice: User, bob: User, charlie: User, settings: Any
) -> None:
    use(settings, generous=Generous)
    preferences.choose_methods(alice, "default", ["live", "generous"])
    send(charlie, alice)
    assert Delivery.objects.get().notification.recipient == alice
