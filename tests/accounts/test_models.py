from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from accounts.models import User
from accounts.people import language_of, time_zone_of


def test_a_person_is_called_by_name_where_there_is_one() -> None:
    assert str(User(username="alice", first_name="Alice", last_name="Ames")) == "Alice Ames"
    assert str(User(username="alice")) == "alice"


def test_a_new_person_reads_english_in_utc() -> None:
    person = User(username="alice")

    assert (language_of(person), time_zone_of(person)) == ("en", "UTC")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "Europe", "/etc/passwd", "../UTC"])
def test_only_a_time_zone_is_one(name: str) -> None:
    with pytest.raises(ValidationError):
        User(username="alice", password="-", time_zone=name).clean_fields()


@pytest.mark.parametrize("name", ["UTC", "Asia/Shanghai", "America/Argentina/Ushuaia"])
def test_a_zone_of_the_iana_database_is_taken(name: str) -> None:
    User(username="alice", password="-", time_zone=name).clean_fields()


@pytest.mark.django_db
def test_createsuperuser_asks_for_nothing_new() -> None:
    call_command("createsuperuser", interactive=False, username="root", email="root@example.com", verbosity=0)

    assert User.objects.get(username="root").is_superuser
