from __future__ import annotations

from typing import Any

import pytest

from notifications_hub.web.image_policy import forbids_data_images

SELF = "'self'"


@pytest.mark.parametrize(
    ("policy", "forbidden"),
    [
        ({}, False),
        ({"script-src": [SELF]}, False),
        ({"img-src": [SELF, "data:"]}, False),
        ({"img-src": "data:"}, False),
        ({"img-src": (SELF,)}, True),
        ({"img-src": {SELF}}, True),
        ({"default-src": [SELF]}, True),
        ({"default-src": [SELF], "img-src": ["data:"]}, False),
    ],
)
def test_drawn_icons_are_forbidden_only_by_a_policy_that_says_so(
    settings: Any, policy: dict[str, object], *, forbidden: bool
) -> None:
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy}
    settings.SECURE_CSP = {}
    assert forbids_data_images() is forbidden
    settings.CONTENT_SECURITY_POLICY, settings.SECURE_CSP = None, policy
    assert forbids_data_images() is forbidden
