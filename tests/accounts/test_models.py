from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from accounts.models import User
from accounts.people import language_of, time_zone_of


def test_a_person_is_shown_by_full_name_if_they_have_one() -> None:
    assert str(User(username="alice", first_name="Alice", last_name="Ames")) == "Alice Ames"
    assert str(User(username="alice")) == "alice"


def test_a_new_person_has_english_and_utc() -> None:
    person = User(username="alice")

    assert (language_of(person), time_zone_of(person)) == ("en", "UTC")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "Europe", "/etc/passwd", "../UTC"])
def test_an_invalid_time_zone_is_rejected(name: str) -> None:
    with pytest.raises(ValidationError):
        User(username="alice", password="-", time_zone=name).clean_fields()


@pytest.mark.parametrize("name", ["UTC", "Asia/Shanghai", "America/Argentina/Ushuaia"])
def test_an_iana_time_zone_is_accepted(name: str) -> None:
    User(username="alice", password="-", time_zone=name).clean_fields()


@pytest.mark.django_db
def test_createsuperuser_needs_no_extra_fields() -> None:
    call_command("createsuperuser", interactive=False, username="root", email="root@example.com", verbosity=0)

    assert User.objects.get(username="root").is_superuser
