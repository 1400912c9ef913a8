"""Guards of access for staff, operators and programs beside the site."""

from __future__ import annotations

from tests.guards.guard import Guard

STAFF = [
    # Access of staff
    Guard(
        "announcing takes a permission of its own",
        "notifications_hub/announcements/admin_pages/parts.py",
        "return request.user.has_perm(PERMISSION) and ",
        "return request.user.is_staff and ",
        ("tests/announcements/test_admin.py::test_being_staff_is_not_enough",),
    ),
    Guard(
        "nobody approves their own announcement",
        "notifications_hub/announcements/approval/decision.py",
        "return person.pk in (announcement.by_id, announcement.last_editor_id)",
        "return False",
        ("tests/announcements/test_approval.py::test_neither_the_author_nor_the_last_editor_may",),
    ),
    Guard(
        "an approval counts for what was looked at",
        "notifications_hub/announcements/approval/decision.py",
        "if refusal is None and version_of(current) != version:",
        "if False:",
        ("tests/announcements/test_approval.py",),
    ),
    Guard(
        "a form that is sent twice announces once",
        "notifications_hub/announcements/admin_pages/announcement_admin.py",
        'submission = uuid.UUID(request.POST.get("once", ""))',
        "submission = uuid.uuid4()",
        ("tests/announcements/test_admin.py::test_a_form_that_is_sent_twice_announces_once",),
    ),
    Guard(
        "no code changes a step of the audit trail",
        "notifications_hub/announcements/audit.py",
        "    update = delete = bulk_update = update_or_create = _raw_delete = _refuse\n",
        "",
        ("tests/announcements/test_audit_trail.py::test_every_change_of_a_stored_step_is_refused",),
    ),
    Guard(
        "a seal covers the one before",
        "notifications_hub/announcements/seals/chain.py",
        'return _sha256(previous, str(number), "" if',
        'return _sha256("", str(number), "" if',
        ("tests/announcements/test_seals.py::test_a_tampered_trail_fails",),
    ),
    Guard(
        "a seal covers its step",
        "notifications_hub/announcements/seals/chain.py",
        '"" if step is None else _content_of(step), names)',
        '"" if step is None else str(step.pk), names)',
        ("tests/announcements/test_seals.py::test_a_tampered_trail_fails",),
    ),
    Guard(
        "the newest seal is signed",
        "notifications_hub/announcements/seals/verifying.py",
        "if not is_signed(newest):",
        "if False:",
        ("tests/announcements/test_seals.py::test_a_tampered_trail_fails",),
    ),
    Guard(
        "a step without a seal is noticed",
        "notifications_hub/announcements/seals/verifying.py",
        "AnnouncementStep.objects.filter(~Exists(sealed))",
        "AnnouncementStep.objects.none()",
        ("tests/announcements/test_seals.py::test_a_tampered_trail_fails",),
    ),
    Guard(
        "an audit that finds something fails",
        "bin/audit.py",
        "return 1 if found else 0",
        "return 0",
        ("tests/test_audit.py::test_a_known_vulnerability_of_either_kind_fails",),
    ),
    Guard(
        "the admin shows no arguments of jobs",
        "notifications_hub/admin.py",
        '"title", "owner", "audience", "task", "parent", "url")}',
        '"title", "owner", "audience", "task", "parent", "url", "arguments")}',
        ("tests/test_admin.py::test_arguments_and_results_of_jobs_are_never_shown",),
    ),
    Guard(
        "the admin shows no keys of browsers",
        "notifications_hub/admin.py",
        'fields = ("browser", "owner", "created",',
        'fields = ("browser", "auth", "owner", "created",',
        ("tests/test_admin.py::test_endpoints_and_push_keys_are_never_shown",),
    ),
    Guard(
        "staff filter only by declared fields",
        "notifications_hub/admin_guards.py",
        "return lookup in {name for one in declared for name in _parameters_of(one)}",
        "return bool(lookup or declared)",
        ("tests/test_admin_guards.py::test_a_lookup_that_no_filter_declares_is_refused",),
    ),
    Guard(
        "reading notifications takes a permission of its own",
        "notifications_hub/admin_guards.py",
        "hidden = frozenset() if request.user.has_perm(SEE_CONTENT) else self.content",
        "hidden = frozenset[str]()",
        ("tests/test_admin_guards.py::test_staff_see_the_content_of_notifications_only_with_its_own_permission",),
    ),
    Guard(
        "no metrics without a setting",
        "notifications_hub/ops/health.py",
        "if not (hub_settings.metrics_token or hub_settings.metrics_allow):",
        "if False:",
        ("tests/ops/test_health.py::test_metrics_are_off_without_a_token_or_an_allow_list",),
    ),
    Guard(
        "the metrics' token",
        "notifications_hub/ops/health.py",
        "return bool(token) and constant_time_compare(",
        "return bool(token) or constant_time_compare(",
        ("tests/ops/test_health.py::test_only_the_token_itself_opens_the_metrics",),
    ),
    Guard(
        "the metrics' allow list",
        "notifications_hub/ops/health.py",
        "return any(address in network for network in networks)",
        "return bool(networks)",
        ("tests/ops/test_health.py::test_only_addresses_on_the_allow_list_need_no_token",),
    ),
    Guard(
        "a proxied request is never on the allow list",
        "notifications_hub/ops/health.py",
        "if address is None or any(name in request.headers for name in _FORWARDED):",
        "if address is None:",
        ("tests/ops/test_health.py::test_a_request_through_a_proxy_is_on_no_allow_list",),
    ),
    Guard(
        "no site starts beside the demo people",
        "notifications_hub/ops/startup.py",
        " or demo.check_at_start()",
        "",
        ("tests/ops/test_demo_accounts.py::test_a_site_without_debug_does_not_start_beside_demo_people",),
    ),
    Guard(
        "the demo people are found without DEBUG",
        "notifications_hub/ops/demo.py",
        "people = [] if settings.DEBUG else open_accounts()",
        "people = list[Any]()",
        ("tests/ops/test_demo_accounts.py::test_only_people_with_the_known_password_are_refused_and_removed",),
    ),
]
