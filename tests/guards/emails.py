"""Guards of emails: of their headers, and of what switches them off."""

from __future__ import annotations

from tests.guards.guard import Guard

_TESTS = "tests/transports/test_email.py"

EMAILS = [
    # Emails
    Guard(
        "opening an unsubscribe link changes nothing",
        "notifications_hub/inbox/unsubscribe_views.py",
        'if request.method == "POST" else',
        "if True else",
        (f"{_TESTS}::test_a_scanner_that_opens_the_link_changes_nothing",),
    ),
    Guard(
        "the undo of another person's emails",
        "notifications_hub/inbox/unsubscribing.py",
        "if person != str(subscription.person_pk):",
        "if False:",
        (f"{_TESTS}::test_the_undo_of_another_person_is_refused",),
    ),
    Guard(
        "an email's subject is one line",
        "notifications_hub/transports/email/content.py",
        "subject=subject_of(shown.title),",
        "subject=shown.title,",
        (f"{_TESTS}::test_a_title_cannot_begin_another_header",),
    ),
    Guard(
        "a report of bounces is signed",
        "notifications_hub/transports/email/reports.py",
        "Webhook(hub_settings.email_webhook_secret).verify(body, _standard(headers), json_parse=False)",
        "Webhook(hub_settings.email_webhook_secret)",
        ("tests/transports/test_email_reports.py::test_a_report_with_another_signature_is_refused",),
    ),
]
