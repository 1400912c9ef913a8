"""`check_kinds()`: one test of a host that goes through the words of all of its kinds."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.utils import translation

from notifications_hub.catalogue.languages import (
    is_of_hub,
    locale_folders,
    offered_languages,
    translated_languages,
)
from notifications_hub.catalogue.samples import RenderedSample, rendered_sample
from notifications_hub.kinds import Kind, all_kinds, open_and_read

_NAMED = 5
"""Languages without a catalogue that the error names; of more it gives the number."""

_REMEDIES = {
    "title": "Add what title() reads to its Sample, or return a text whatever is missing",
    "body": "Add what body() reads to its Sample, or return a text whatever is missing",
    "url": "Give its Sample a path of this site, like `/posts/9/`",
    "level": "Give its Sample one of info, success, warning and error",
}


class KindProblems(AssertionError):
    """Raised by `check_kinds()`. The message lists every problem with its remedy."""


@dataclass
class _Report:
    problems: dict[str, list[str]] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)

    def add(self, kind: Kind, problem: str) -> None:
        cls = type(kind)
        self.problems.setdefault(f"{kind.name} ({cls.__module__}.{cls.__qualname__})", []).append(problem)


@dataclass(frozen=True)
class _Words:
    """The words of a kind in one language: each part by its name. `own` are the texts that its sample brings."""

    parts: Mapping[str, str]
    own: tuple[str, ...]


def check_kinds(*, source: str = "en", leave_out: Collection[str] = ()) -> list[str]:
    """Check that every kind has a sample, renders it, and is translated. Return the languages that were compared.

    Raise `KindProblems` with all findings. A language is compared if the project, or the kind's app, has a catalogue
    for it. `source` is the language that the code is written in. It and its variants need no translation. Kinds whose
    names are in `leave_out` are skipped.
    """
    report = _Report()
    kinds = [kind for kind in all_kinds() if kind.name not in leave_out]
    for kind in kinds:
        try:
            _check(kind, source, report)
        except Exception as error:  # noqa: BLE001 -- a host's code may raise anything; it is reported
            report.add(kind, f"It cannot be checked: {_one_line(error)}{_place(error)}. Mend the class.")
    checked = [code for code in offered_languages() if code in report.checked]
    if report.problems:
        raise KindProblems(_text_of(report, len(kinds), checked, source))
    return checked


def _check(kind: Kind, source: str, report: _Report) -> None:
    languages = _languages_of(kind, source)
    if not is_of_hub(kind):
        report.checked.update(languages)
    if not str(kind.label):
        report.add(kind, 'It has no label, so preferences show its name. Add `label = _("…")`.')
    if kind.sample is None:
        report.add(kind, 'It has no sample. Add `sample = Sample(actor="Bob", …)` to the class.')
        return
    for language in languages or [source]:
        with translation.override(language):
            problems = list(_faults(kind))
        for problem in problems:
            report.add(kind, problem)
        if problems:
            # In the other languages it fails alike.
            return
    for language in languages:
        if language not in kind.sample.same_in:
            for problem in _untranslated(kind, language, source):
                report.add(kind, problem)


def _languages_of(kind: Kind, source: str) -> list[str]:
    found = translated_languages(locale_folders(kind))
    return [code for code in found if _base(code) != _base(source)]


def _base(language: str) -> str:
    return language.partition("-")[0]


# A sample that fails


def _faults(kind: Kind) -> Iterator[str]:
    try:
        rendered = rendered_sample(kind)
    except Exception as error:  # noqa: BLE001 -- a host's sample may raise anything; it is reported
        yield f"Its sample cannot be built: {_one_line(error)}. Mend its Sample."
        return
    for part, fault in rendered.faults.items():
        yield f"Its {part} fails with its sample: {_one_line(fault)}{_place(fault)}. {_remedy(part)}."


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().rstrip(":").rstrip(".")


def _place(error: Exception) -> str:
    """Return where a host's code raised, if the innermost frame is not the hub's."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    if last is None or Path(last.filename).name == "rendering.py":
        return ""
    return f" ({Path(last.filename).name}, line {last.lineno})"


def _remedy(part: str) -> str:
    return _REMEDIES.get(part, f"Correct `{part}` of the kind")


# Words that are the same in two languages


def _untranslated(kind: Kind, language: str, source: str) -> Iterator[str]:
    words = _words(kind, language)
    # Without a translation Django falls back to the text in the code, or to the site's own language.
    others = [_words(kind, None), *([_words(kind, site)] if (site := _site_language(language, source)) else [])]
    for part, text in words.parts.items():
        letters = _letters(text, words.own)
        if letters and any(letters == _letters(other.parts.get(part, ""), other.own) for other in others):
            yield (
                f"Its {part} is not translated to {language}: “{text}”. Mark the words with gettext, run makemessages "
                f"-l {translation.to_locale(language)}, translate them and run compilemessages. If the words are "
                f'rightly the same, add same_in={{"{language}"}} to its Sample.'
            )


def _site_language(language: str, source: str) -> str | None:
    site = settings.LANGUAGE_CODE
    return site if _base(site) not in (_base(language), _base(source)) else None


def _words(kind: Kind, language: str | None) -> _Words:
    """Return a kind's words in a language, or with None as the code has them."""
    with translation.override(language):
        rendered = rendered_sample(kind)
        return _Words(dict(_parts(kind, rendered)), rendered.words)


def _parts(kind: Kind, rendered: RenderedSample) -> Iterator[tuple[str, str]]:
    message = rendered.item.message
    yield "label", str(kind.label)
    yield "title", message.title
    yield "body", message.body
    hubs = {action.title for action in open_and_read()}
    for number, action in enumerate(message.actions, 1):
        if action.title not in hubs:
            yield f"button {number}", str(action.title)


def _letters(text: str, own: tuple[str, ...]) -> str:
    """Return the letters of a text without the words that the sample brings."""
    text = text.casefold()
    for word in sorted(own, key=len, reverse=True):
        text = text.replace(word.casefold(), " ")
    return "".join(character for character in text if character.isalpha())


# The report


def _text_of(report: _Report, kinds: int, checked: list[str], source: str) -> str:
    count = sum(map(len, report.problems.values()))
    listed = (f"\n{name}\n" + "\n".join(f"  - {one}" for one in problems) for name, problems in report.problems.items())
    head = f"{count} problem{'s' * (count != 1)} in {len(report.problems)} of {kinds} kinds."
    return "\n".join([head, _coverage(checked, source), *listed])


def _coverage(checked: list[str], source: str) -> str:
    """Return which languages were compared with the code's, and which have no catalogue."""
    left = [code for code in offered_languages() if code not in checked and _base(code) != _base(source)]
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    without = f" Without a catalogue of their own: {', '.join(left[:_NAMED])}{more}." if left else ""
    return f"Translations were checked for: {', '.join(checked) or 'no language'}.{without}"
