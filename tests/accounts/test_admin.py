from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from accounts.models import User

ClientFor = Callable[[User], Client]


def test_an_admin_can_edit_language_and_time_zone(client_for: ClientFor, admin: User, alice: User) -> None:
    page = client_for(admin).get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()

    assert 'name="language"' in page
    assert 'name="time_zone"' in page


def test_an_admin_can_add_a_person(client_for: ClientFor, admin: User) -> None:
    form = {"username": "dora", "usable_password": "true"}
    form |= {"password1": "three-green-lamps", "password2": "three-green-lamps"}
    client_for(admin).post("/admin/accounts/user/add/", form)

    assert User.objects.get(username="dora").language == ""


def test_the_list_of_people_is_rendered(client_for: ClientFor, admin: User) -> None:
    assert client_for(admin).get("/admin/accounts/user/").status_code == 200


def test_the_admin_keeps_its_own_password_page(client_for: ClientFor, admin: User) -> None:
    page = client_for(admin).get("/admin/password_change/").content.decode()

    assert 'id="site-name"' in page
