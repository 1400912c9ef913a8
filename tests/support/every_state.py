"""The rows of a site whose pages show every state. They are for `Site.python`."""

from __future__ import annotations

# Alice and the admin read English, Bob reads Chinese. The site shows every kind of row.
EVERY_STATE = """
    from datetime import timedelta
    from django.contrib.auth.models import Group
    from django.utils import timezone
    from accounts.models import User
    from notifications.signals import notify
    from notifications_hub import broadcast
    from notifications_hub.announcements import announce, personal_rows
    from notifications_hub.delivery import arming
    from notifications_hub.delivery.arming import Plan
    from notifications_hub.jobs.models import Job, JobState, Reason
    from notifications_hub.models import Notification, PushSubscription
    from notifications_hub.kinds import DeliveryMethod
    from showcase.models import Post

    alice, bob, charlie, admin = (User.objects.get(username=name) for name in ("alice", "bob", "charlie", "admin"))
    User.objects.filter(pk=bob.pk).update(language="zh-hans")
    later = timezone.now() + timedelta(days=1)
    group = Group.objects.create(name="Readers")
    alice.groups.add(group)
    for person in (alice, bob):
        PushSubscription.objects.create(
            owner=person, endpoint=f"https://push.example/{person.pk}", endpoint_hash=person.username, name="Firefox",
            p256dh="key", auth="secret")
    for number, level in enumerate(("info", "success", "warning", "error") * 3):
        for person, by in ((alice, bob), (bob, charlie)):
            notify.send(by, recipient=person, verb="replied to", target=Post.objects.first(), level=level,
                        kind="comment.reply", description="Water, please. " * number)
    rows = Notification.objects.filter(recipient=alice).order_by("-pk")
    for row, transport in zip(rows[:2], ("web_push", "email"), strict=True):
        arming.arm([Plan(notification_pk=row.pk, transport=transport, address="1")])
    arming.mark_delivered([rows[0].pk], DeliveryMethod.LIVE)
    rows[1].mark_as_read()
    Notification.objects.filter(pk__in=[row.pk for row in rows[9:]]).archive()
    Notification.objects.filter(pk=rows[7].pk).update(saved_at=timezone.now())
    Notification.objects.filter(pk=rows[8].pk).update(archived_at=timezone.now(), snoozed_until=later)
    for by in (bob, charlie, admin):
        notify.send(by, recipient=alice, verb="replied to", target=Post.objects.first(), kind="comment.reply",
                    group_key="post-1")
    planned = broadcast(title="Later", starts_at=later, audience=f"group.{group.pk}", by=admin)
    words = "We **move** it.\\n\\n- [one](/)\\n- two"
    running = broadcast(title="Closed on Sunday", body=words, level="warning", by=admin)
    announce.withdraw(broadcast(title="Oops"))
    for person in (alice, bob):
        personal_rows.make_rows(person)
    for state, fields in (
        (JobState.QUEUED, {}), (JobState.RUNNING, {"done": 3, "total": 10, "text": "3 of 10"}), (JobState.DONE, {}),
        (JobState.FAILED, {"reason": Reason.LOST}), (JobState.CANCELLED, {}),
    ):
        Job.objects.create(owner=alice, task="report", title="A report", url="/showcase/report/", arguments={},
                                 state=state, due_at=later, **fields)
"""
