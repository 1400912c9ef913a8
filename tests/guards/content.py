"""Guards of the content that people receive and write."""

from __future__ import annotations

from tests.guards.guard import Guard

_INBOX = "notifications_hub/inbox"

CONTENT = [
    # Ownership of rows
    Guard(
        "the inbox is its person's",
        f"{_INBOX}/queries.py",
        "Notification.objects.visible().filter(recipient=person)",
        "Notification.objects.visible()",
        ("tests/inbox/test_charlie.py", "tests/inbox/test_queries.py::test_charlie_sees_none_of_alices_notifications"),
    ),
    Guard(
        "the API asks for the CSRF token",
        f"{_INBOX}/responses.py",
        "if check_csrf(request) is not None:",
        "if False:",
        ("tests/inbox/test_api.py::test_a_post_without_the_csrf_token_changes_nothing",),
    ),
    Guard(
        "no cache keeps the API's answers",
        f"{_INBOX}/responses.py",
        "patch_cache_control(response, no_store=True, private=True)",
        "pass",
        ("tests/inbox/test_api.py::test_responses_forbid_caching",),
    ),
    Guard(
        "no cache keeps the inbox page",
        f"{_INBOX}/views.py",
        "cache_control(no_store=True, private=True)",
        "cache_control()",
        ("tests/inbox/test_views.py::test_no_cache_may_keep_a_page",),
    ),
    Guard(
        "a link stays on this site",
        "notifications_hub/web/site_paths.py",
        'if strange or not url.startswith("/") or url.startswith("//"):',
        "if False:",
        ("tests/web/test_site_paths.py",),
    ),
    Guard(
        "no cache keeps pages of signed-in people",
        "accounts/middleware.py",
        'if person.is_authenticated and not response.has_header("Cache-Control"):',
        "if False:",
        (
            "tests/accounts/test_middleware.py::test_pages_of_signed_in_people_are_never_cached",
            "tests/database/test_shared_cache.py::test_a_shared_cache_keeps_no_personal_page",
        ),
    ),
    Guard(
        "a link in a live event stays on this site",
        "notifications_hub/static/notifications_hub/inbox/item-view.js",
        'return new URL(url, base).origin === new URL(base).origin ? url : "";',
        "return url;",
        ("tests/js/inbox/item-view.test.js",),
    ),
    Guard(
        "deleted content is blank in the log",
        "notifications_hub/streams/sequencer.py",
        "data = coalesce(words, '{{}}')\n    FROM (",
        "data = data\n    FROM (",
        ("tests/streams/test_tombstones.py::test_a_deleted_row_is_in_no_log",),
    ),
    Guard(
        "deleted content is blank in PostgreSQL's log",
        "notifications_hub/streams/sequencer.py",
        "data = coalesce(words, '{{}}')\n        FROM earlier",
        "data = event.data\n        FROM earlier",
        ("tests/streams/test_tombstones.py::test_a_deleted_row_is_in_no_log",),
        postgres=True,
    ),
    Guard(
        "content deleted before its number is blank in PostgreSQL's log",
        "notifications_hub/streams/sequencer.py",
        "data = CASE WHEN last IS NULL THEN data ELSE coalesce(words, '{{}}') END,",
        "data = event.data,",
        ("tests/streams/test_tombstones.py::test_an_unnumbered_event_of_a_deleted_row_becomes_a_tombstone",),
        postgres=True,
    ),
    Guard(
        "arguments of the bell are escaped",
        "notifications_hub/templates/notifications_hub/bell.html",
        """topics="{{ topics|join:' ' }}\"""",
        """topics="{% autoescape off %}{{ topics|join:' ' }}{% endautoescape %}\"""",
        ("tests/inbox/test_bell.py::test_extra_topics_are_passed_to_the_bell",),
    ),
    Guard(
        "pages load only scripts of the site",
        "config/settings.py",
        '"script-src": [SELF],',
        '"script-src": ["*"],',
        ("tests/showcase/test_frame.py::test_no_page_violates_the_content_security_policy",),
    ),
    Guard(
        "an erasure empties the inbox's events",
        "notifications_hub/personal_data/erase.py",
        "update(kind=TOMBSTONE, data={}, item=None, erases=None)",
        "update(kind=TOMBSTONE, item=None, erases=None)",
        ("tests/personal_data/test_personal_data.py::test_an_erased_person_is_found_nowhere_and_no_topic_has_a_gap",),
    ),
    Guard(
        "an erasure takes the name off the audit trail",
        "notifications_hub/personal_data/erase.py",
        "_take_name_off_proposals(person) + _take_name_off_steps(person)",
        "_take_name_off_proposals(person)",
        ("tests/personal_data/test_personal_data.py::test_an_erased_person_is_found_nowhere_and_no_topic_has_a_gap",),
    ),
    Guard(
        "a job's log goes with the job",
        "notifications_hub/jobs/log_removal.py",
        "        Event.objects.filter(topic__in=some).delete()\n",
        "",
        ("tests/database/test_deleted_person.py::test_no_data_of_a_deleted_person_is_kept",),
    ),
    Guard(
        "nobody is pulled into a room",
        "showcase/chat/rooms.py",
        "Invitation.objects.get_or_create(room=room, person=person)",
        "join(room, person)",
        ("tests/showcase/chat/test_rooms.py::test_other_peoples_rooms_do_not_displace_a_persons_own_topics",),
    ),
    Guard(
        "an invitation is its person's",
        "showcase/chat/members.py",
        "slug=slug, invitations__person=person_of(request)",
        "slug=slug",
        ("tests/showcase/chat/test_rooms.py::test_an_invitation_admits_only_the_invited_person",),
    ),
    Guard(
        "no other database role has changes noted",
        "notifications_hub/rows/triggers.py",
        "(_FUNCTION, _REVOKE, *_CREATE)",
        "(_FUNCTION, *_CREATE)",
        ("tests/rows/test_row_triggers.py::test_another_role_cannot_attach_the_function_to_its_own_table",),
        postgres=True,
    ),
    Guard(
        "no table is noted that is not the declared one",
        "notifications_hub/rows/triggers.py",
        "IF declared IS NULL OR declared NOT IN (",
        "IF false AND declared NOT IN (",
        (
            "tests/rows/test_row_triggers.py::test_a_table_that_is_not_declared_is_not_noted_even_with_the_right_to_the_function",
        ),
        postgres=True,
    ),
    # Content that people write
    Guard(
        "Markdown is sanitised",
        "notifications_hub/announcements/markdown.py",
        "clean = nh3.clean(_rendered(text), tags=_ALLOWED,",
        "clean = (lambda text, **named: text)(_rendered(text), tags=_ALLOWED,",
        ("tests/announcements/test_markdown.py",),
    ),
    Guard(
        "a name cannot change the direction of a kind's words",
        "notifications_hub/rendering.py",
        "named = _with_isolated_names(row)",
        "named = row",
        ("tests/web/test_text.py::test_a_kind_gets_names_that_cannot_reverse_its_words",),
    ),
    Guard(
        "a text closes the directions that it opens",
        "notifications_hub/rendering.py",
        "return balanced(_text(words))",
        "return _text(words)",
        ("tests/web/test_text.py::test_data_in_a_kinds_words_reverses_nothing_outside_them",),
    ),
    Guard(
        "a worker accepts no executable data",
        "config/settings.py",
        'CELERY_ACCEPT_CONTENT = ["json"]',
        'CELERY_ACCEPT_CONTENT = ["json", "pickle"]',
        ("tests/test_tasks.py::test_a_worker_accepts_only_data_from_its_broker_and_no_code",),
    ),
    Guard(
        "visitors see public banners alone",
        "notifications_hub/announcements/banners/current.py",
        "visible = [banner for banner in banners if banner.is_banner_public]",
        "visible = list(banners)",
        ("tests/announcements/test_banners.py::test_visitors_see_only_public_banners",),
    ),
    Guard(
        "a public banner is for everyone",
        "notifications_hub/announcements/banners/rules.py",
        "if announcement.is_banner and announcement.is_banner_public and announcement.audience != EVERYONE:",
        "if False:",
        ("tests/announcements/test_banners.py::test_a_public_banner_is_for_everyone",),
    ),
    Guard(
        "dismissing a banner asks for the CSRF token",
        "notifications_hub/announcements/banners/views.py",
        "@csrf_protect\n",
        "",
        ("tests/announcements/test_banners.py::test_another_site_dismisses_nothing_for_a_person",),
    ),
]
