"""Guards of access for staff, operators and programs beside the site."""

from __future__ import annotations

from tests.guards.guard import Guard

STAFF = [
    # Access of staff
    Guard(
        "announcing takes a permission of its own",
        "notifications_hub/announcements/admin_parts.py",
        "return request.user.has_perm(PERMISSION) and ",
        "return request.user.is_staff and ",
        ("tests/announcements/test_admin.py::test_being_staff_is_not_enough",),
    ),
    Guard(
        "the admin shows no arguments of jobs",
        "notifications_hub/admin.py",
        '"title", "owner", "audience", "task", "parent", "url")}',
        '"title", "owner", "audience", "task", "parent", "url", "arguments")}',
        ("tests/test_admin.py::test_what_a_job_was_given_and_gave_stays_its_owners",),
    ),
    Guard(
        "the admin shows no keys of browsers",
        "notifications_hub/admin.py",
        'fields = ("browser", "owner", "created",',
        'fields = ("browser", "auth", "owner", "created",',
        ("tests/test_admin.py::test_what_would_let_others_send_is_nowhere",),
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
        ("tests/test_admin_guards.py::test_staff_see_what_people_were_notified_of_only_by_a_right_of_its_own",),
    ),
    Guard(
        "no metrics without a setting",
        "notifications_hub/ops/health.py",
        "if not (hub_settings.metrics_token or hub_settings.metrics_allow):",
        "if False:",
        ("tests/ops/test_health.py::test_without_a_token_or_an_allow_list_there_are_no_metrics",),
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
        ("tests/ops/test_health.py::test_only_addresses_on_the_allow_list_come_without_a_token",),
    ),
    Guard(
        "a proxied request is never on the allow list",
        "notifications_hub/ops/health.py",
        "if address is None or any(name in request.headers for name in _FORWARDED):",
        "if address is None:",
        ("tests/ops/test_health.py::test_what_comes_through_a_proxy_is_on_no_allow_list",),
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
        ("tests/ops/test_demo_accounts.py::test_only_who_has_the_known_password_is_refused_and_removed",),
    ),
]
