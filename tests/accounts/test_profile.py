from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from accounts.models import User

ClientFor = Callable[[User], Client]

FORM = {"first_name": "Alice", "last_name": "", "email": "a@example.com", "language": "en", "time_zone": "Asia/Tokyo"}


def test_the_profile_requires_signing_in(client: Client) -> None:
    assert client.get("/accounts/profile/").headers["Location"] == "/accounts/login/?next=/accounts/profile/"


def test_a_saved_profile_is_confirmed_in_the_newly_chosen_language(client_for: ClientFor, alice: User) -> None:
    page = client_for(alice).post("/accounts/profile/", {**FORM, "language": "zh-hans"}, follow=True)

    alice.refresh_from_db()
    assert (alice.language, alice.time_zone, alice.email) == ("zh-hans", "Asia/Tokyo", "a@example.com")
    assert "个人资料已保存。" in page.content.decode()


def test_a_person_can_go_back_to_the_language_of_their_browser(client_for: ClientFor, alice: User) -> None:
    client = client_for(alice)
    client.post("/accounts/language/", {"language": "en", "next": "/"})
    chinese = {"Accept-Language": "zh-CN", "Accept": "text/html"}
    page = client.post("/accounts/profile/", {**FORM, "language": ""}, headers=chinese, follow=True)

    assert page.headers["Content-Language"] == "zh-hans"
    assert "个人资料已保存。" in page.content.decode()


def test_the_form_rejects_an_invalid_time_zone(client_for: ClientFor, alice: User) -> None:
    page = client_for(alice).post("/accounts/profile/", {**FORM, "time_zone": "Mars/Olympus"})

    alice.refresh_from_db()
    assert alice.time_zone == "UTC"
    assert 'aria-invalid="true"' in page.content.decode()


def test_a_rejected_form_does_not_change_the_displayed_name(client_for: ClientFor, alice: User) -> None:
    page = client_for(alice).post("/accounts/profile/", {**FORM, "first_name": "Zoe", "time_zone": ""})

    assert "<strong>Alice</strong>" in page.content.decode()


def test_an_old_spelling_of_a_time_zone_stays_selected(client_for: ClientFor, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="US/Pacific")
    page = client_for(alice).get("/accounts/profile/")

    assert '<option value="US/Pacific" selected>' in page.content.decode()


def test_the_profile_form_cannot_grant_staff_rights(client_for: ClientFor, charlie: User) -> None:
    client_for(charlie).post("/accounts/profile/", {**FORM, "is_staff": "on", "username": "alice"})

    charlie.refresh_from_db()
    assert (charlie.username, charlie.is_staff) == ("charlie", False)


def test_the_profile_links_to_the_preferences_and_the_password_form(client_for: ClientFor, alice: User) -> None:
    page = client_for(alice).get("/accounts/profile/").content.decode()

    assert 'href="/notifications/preferences/"' in page
    assert 'href="/accounts/password/"' in page


def test_changing_the_password_signs_out_other_browsers_only(client_for: ClientFor, alice: User) -> None:
    here, there = client_for(alice), client_for(alice)
    form = {
        "old_password": "three-red-lamps",
        "new_password1": "three-green-lamps",
        "new_password2": "three-green-lamps",
    }

    page = here.post("/accounts/password/", form, follow=True)

    assert page.redirect_chain == [("/accounts/password/done/", 302)]
    assert here.get("/accounts/profile/").status_code == 200
    assert there.get("/accounts/profile/").status_code == 302
