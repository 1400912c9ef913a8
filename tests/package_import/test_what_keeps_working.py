"""The guide names everything that the package offers, and what it says of each is so."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from notifications import urls
from notifications.base.models import NotificationQuerySet
from notifications.signals import notify
from notifications.templatetags.notifications_tags import register

from accounts.models import User
from tests.package_import.package_suite import GUIDE


def test_the_guide_names_each_tag_page_and_method_of_the_package() -> None:
    tags = {*register.tags, *register.filters}
    pages = {str(pattern.pattern).partition("<")[0] for pattern in urls.urlpatterns}
    methods = {f"{name}()" for name in vars(NotificationQuerySet) if not name.startswith("_")}
    text = GUIDE.read_text()
    assert tags
    assert pages
    assert methods
    assert [name for name in sorted(tags | pages | methods) if name not in text] == []


@pytest.mark.django_db
def test_archived_notifications_count_for_the_package_only(alice: User, bob: User, client: Client) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    alice.notifications.all().archive()
    client.force_login(alice)
    assert alice.notifications.unread().count() == 1
    assert client.get("/api/v1/notifications/count/").json()["unread"] == 0


@pytest.mark.django_db
def test_permissions_of_the_old_model_have_no_effect(alice: User, client: Client) -> None:
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    old = ContentType.objects.create(app_label="notifications", model="notification")
    alice.user_permissions.add(Permission.objects.create(content_type=old, codename="view_notification", name="old"))
    assert client.get("/admin/notifications_hub/notification/").status_code == 403

    alice.user_permissions.add(
        Permission.objects.get(content_type__app_label="notifications_hub", codename="view_notification")
    )
    assert client.get("/admin/notifications_hub/notification/").status_code == 200
