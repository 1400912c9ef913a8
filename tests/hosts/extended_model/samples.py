"""Samples of kinds that read a host's own columns. `test_extended_model.py` runs this file."""

from __future__ import annotations

import pytest
from django.utils import translation

from notifications_hub.catalogue.samples import rendered_sample
from notifications_hub.kinds import get_kind
from notifications_hub.testing import KindProblems, check_kinds

SHOWN = {"case.moved": ("Acme: moved (billing)", "billing"), "case.for": ("Alice, Acme moved", "general")}


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", SHOWN)
def test_a_sample_has_the_columns_and_the_reader_that_its_kind_reads(kind: str) -> None:
    title, category = SHOWN[kind]
    rendered = rendered_sample(get_kind(kind))

    assert rendered.faults == {}
    assert rendered.item.message.title == title
    assert rendered.item.extension == {"tenant": None, "category": category, "case": None}
    assert {"Acme", "Alice"} & set(rendered.words)


@pytest.mark.both_databases
def test_the_words_of_columns_and_reader_need_no_translation() -> None:
    with translation.override("en"), pytest.raises(KindProblems) as raised:
        check_kinds()

    # The verb does: what is left without the sample's words is "moved".
    assert "Its title is not translated to zh-hans: “Alice, Acme moved”." in str(raised.value)
    assert "password.changed" in str(raised.value)
    assert "fails with its sample" not in str(raised.value)
