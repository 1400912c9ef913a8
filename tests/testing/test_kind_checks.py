"""`check_kinds()`: what it finds, what it says of it, and what it leaves alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pytest_django import Settings

from notifications_hub import kinds
from notifications_hub.kinds import Action, Kind, NotificationLike, Sample, all_kinds
from notifications_hub.testing import KindProblems, check_kinds

Languages = Callable[..., None]

# No test here may use the database, so a sample that reads or writes it fails them.

WORDS = {"Paid bills": "Bezahlte Rechnungen", "%(actor)s paid %(amount)s": "%(actor)s bezahlte %(amount)s"}


@pytest.fixture(autouse=True)
def _only_the_kinds_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_kinds", {"default": kinds.get_kind("default")})


@pytest.fixture
def languages(settings: Settings, tmp_path: Path) -> Languages:
    """Let the site offer languages, and have catalogues with these words: `languages({"de": {…}}, offered=[…])`."""

    def languages(catalogues: Mapping[str, Mapping[str, str]], offered: list[str]) -> None:
        for locale, words in catalogues.items():
            folder = tmp_path / locale / "LC_MESSAGES"
            folder.mkdir(parents=True)
            head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
            entries = [f'msgid "{source}"\nmsgstr "{text}"\n' for source, text in words.items()]
            (folder / "django.po").write_text("\n".join([head, *entries]))
            subprocess.run(["msgfmt", "-o", "django.mo", "django.po"], cwd=folder, check=True)
        settings.LOCALE_PATHS = [tmp_path]
        settings.LANGUAGES = [(code, code) for code in offered]

    return languages


def paid(**attributes: Any) -> Kind:
    """Declare a kind without faults, but for these attributes."""

    def title(self: Kind, notification: NotificationLike) -> str:
        data = {"actor": notification.actor_name, "amount": notification.data["amount"]}
        return gettext("%(actor)s paid %(amount)s") % data

    sample = Sample(actor="Bob", data={"amount": "12 euros"})
    given = {"name": "bill.paid", "label": _("Paid bills"), "sample": sample, "title": title, **attributes}
    kind: Kind = type("Paid", (Kind,), given)()
    return kind


def problems(**arguments: Any) -> str:
    with pytest.raises(KindProblems) as raised:
        check_kinds(**arguments)
    return str(raised.value)


def test_a_kind_that_is_translated_passes_and_the_languages_are_returned(languages: Languages) -> None:
    languages({"de": WORDS}, offered=["en", "de"])
    paid()

    assert check_kinds() == ["de"]


# Samples


def test_a_kind_without_a_sample_is_found() -> None:
    paid(sample=None)

    text = problems()
    assert text.startswith("1 problem in 1 of 2 kinds.")
    assert "bill.paid (tests.testing.test_kind_checks.Paid)\n  - It has no sample. Add `sample = Sample(" in text


def test_a_title_that_raises_is_found_with_its_place() -> None:
    paid(sample=Sample(actor="Bob"))

    text = problems()
    assert "Its title fails with its sample: KeyError: 'amount' (test_kind_checks.py, line " in text
    assert "Add what title() reads to its Sample" in text


def test_a_body_that_raises_is_found() -> None:
    paid(body=lambda self, notification: notification.data["words"])

    assert "Its body fails with its sample: KeyError: 'words'" in problems()


def test_a_kind_that_names_its_reader_needs_one_in_its_sample() -> None:
    paid(title=lambda self, notification: notification.recipient.username)

    assert "Its title fails with its sample: RelatedObjectDoesNotExist" in problems()


@pytest.mark.parametrize("empty", ["", " ", "\u200b"])
def test_an_empty_title_is_found(empty: str) -> None:
    paid(title=lambda self, notification: empty)

    assert "Its title fails with its sample: ValueError: a title must have visible characters" in problems()


def test_a_sample_that_cannot_be_built_is_found() -> None:
    paid(sample=Sample(data={"when": object()}))

    assert "Its sample cannot be built: TypeError: Object of type object is not JSON serializable" in problems()


def test_a_link_to_elsewhere_is_found() -> None:
    paid(sample=Sample(actor="Bob", data={"amount": "1"}, url="https://elsewhere.example/"))

    assert "Give its Sample a path of this site" in problems()


def test_a_kind_without_a_label_is_found() -> None:
    paid(label="")

    assert "It has no label" in problems()


def test_a_kind_that_cannot_even_be_read_hides_no_other() -> None:
    paid(sample=property(lambda self: 1 / 0))
    paid(name="bill.lost", sample=None)

    text = problems()
    assert "It cannot be checked: ZeroDivisionError: division by zero (test_kind_checks.py, line " in text
    assert "It has no sample" in text


def test_a_kind_that_fails_in_every_language_is_reported_once(languages: Languages) -> None:
    languages({"de": WORDS, "fr": WORDS}, offered=["en", "de", "fr"])
    paid(sample=Sample(actor="Bob"))

    assert problems().count("KeyError") == 1


def test_a_kind_that_is_left_out_is_not_looked_at() -> None:
    paid(sample=None)

    check_kinds(leave_out={"bill.paid"})


# Translations


@pytest.mark.parametrize("missing", list(WORDS))
def test_an_untranslated_part_is_found_with_its_remedy(missing: str, languages: Languages) -> None:
    languages({"de": {**WORDS, missing: ""}}, offered=["en", "de"])
    paid()

    part, text = ("label", "Paid bills") if missing == "Paid bills" else ("title", "Bob paid 12 euros")
    found = problems()
    assert f"Its {part} is not translated to de: “{text}”." in found
    assert "makemessages -l de" in found
    assert found.startswith("1 problem in 1 of 2 kinds.\nTranslations were checked for: de.")


def test_an_untranslated_body_and_button_are_found(languages: Languages) -> None:
    languages({"de": WORDS}, offered=["en", "de"])
    paid(
        body=lambda self, notification: gettext("Thank you"),
        actions=lambda self, notification: [Action(name="pay", title=gettext("Pay back"))],
    )

    found = problems()
    assert "Its body is not translated to de: “Thank you”." in found
    assert "Its button 1 is not translated to de: “Pay back”." in found


def test_a_title_that_was_never_marked_is_found(languages: Languages) -> None:
    languages({"de": WORDS}, offered=["en", "de"])
    paid(title=lambda self, notification: f"{notification.actor_name} paid")

    assert "Its title is not translated to de: “Bob paid”." in problems()


def test_the_default_title_is_found_since_a_stored_verb_has_one_language(languages: Languages) -> None:
    languages({"de": WORDS}, offered=["en", "de"])
    paid(title=Kind.title, sample=Sample(actor="Bob", verb="paid", target="the bill"))

    assert "Its title is not translated to de: “Bob paid the bill”." in problems()


def test_the_words_of_the_sample_need_no_translation(languages: Languages) -> None:
    languages({"de": WORDS}, offered=["en", "de"])
    paid(
        title=lambda self, notification: f"{notification.actor_name.upper()}: {notification.data['file']}",
        body=lambda self, notification: notification.description,
        sample=Sample(actor="Bob", description="I owed you", data={"file": "bill.pdf"}),
    )

    assert check_kinds() == ["de"]


def test_a_lazy_sample_is_in_the_language_that_is_shown(languages: Languages) -> None:
    languages({"de": WORDS | {"the bill": "die Rechnung"}}, offered=["en", "de"])
    paid(sample=Sample(actor="Bob", data={"amount": _("the bill")}))

    assert check_kinds() == ["de"]


def test_numbers_and_marks_do_not_make_a_translation(languages: Languages) -> None:
    languages({"de": WORDS | {"Total: %s": "Total — %s"}}, offered=["en", "de"])
    paid(title=lambda self, notification: gettext("Total: %s") % 3)

    assert "Its title is not translated to de: “Total — 3”." in problems()


def test_a_kind_may_say_that_its_words_are_the_same_in_a_language(languages: Languages) -> None:
    languages({"de": WORDS, "fr": WORDS | {"Paid bills": "Paid bills"}}, offered=["en", "de", "fr"])
    paid()
    assert 'If the words are rightly the same, add same_in={"fr"} to its Sample.' in problems()

    paid(sample=Sample(actor="Bob", data={"amount": "1"}, same_in={"fr"}))
    assert check_kinds() == ["de", "fr"]


def test_a_language_that_falls_back_to_the_sites_own_is_found(languages: Languages, settings: Settings) -> None:
    languages({"de": WORDS, "fr": {}}, offered=["de", "fr"])
    settings.LANGUAGE_CODE = "de"
    paid()

    found = problems()
    assert "Its label is not translated to fr: “Bezahlte Rechnungen”." in found
    assert "to de:" not in found


# Languages


def test_of_djangos_default_languages_only_those_with_a_catalogue_are_checked(
    languages: Languages, settings: Settings
) -> None:
    languages({"de": WORDS, "pt_BR": {}}, offered=[code for code, _name in global_settings.LANGUAGES])
    paid()

    found = problems()
    assert (
        "Translations were checked for: de, pt-br. Without a catalogue of their own: af, ar, ar-dz, ast, az and "
        in found
    )
    assert "to pt-br:" in found
    assert "to pt:" not in found


def test_variants_of_a_language_that_use_one_catalogue_are_one(languages: Languages) -> None:
    languages({"de": {}}, offered=["en", "en-gb", "de", "de-at", "de-ch"])
    paid()

    assert problems().count("Its label") == 1


def test_variants_of_english_need_no_translation_even_with_an_empty_catalogue(languages: Languages) -> None:
    languages({"en": {}, "en_GB": {}}, offered=["en", "en-gb"])
    paid()

    assert check_kinds() == []


def test_code_may_be_written_in_another_language(languages: Languages) -> None:
    languages({"de": {}, "en": {}}, offered=["de", "en"])
    paid()

    found = problems(source="de")
    assert "to en:" in found
    assert "to de:" not in found


def test_a_catalogue_that_is_not_compiled_is_checked(languages: Languages, tmp_path: Path) -> None:
    languages({"de": WORDS}, offered=["en", "de"])
    (tmp_path / "de" / "LC_MESSAGES" / "django.mo").unlink()
    paid()

    assert "run compilemessages" in problems()


def test_a_site_without_translations_is_checked_for_samples_only(settings: Settings) -> None:
    settings.USE_I18N = False
    paid()

    assert check_kinds() == []


# The kinds of this repository


def test_every_kind_of_the_hub_and_of_the_showcase_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    others = {kind.name for kind in all_kinds() if type(kind).__module__.startswith("tests.")}

    assert check_kinds(leave_out=others) == ["zh-hans"]
    assert {"announcement", "default", "push.test", "task.done", "task.failed", "chat.mention"}.isdisjoint(others)
