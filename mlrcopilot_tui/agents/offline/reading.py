"""Extracts what a paper is about by rules: sentences scored by cue words, section and place; nothing is rephrased."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

import msgspec

from mlrcopilot_tui.papers.model import Paper, Section, sentences
from mlrcopilot_tui.session.model import Gap, Quote, Summary

MAX_SENTENCES = 4000
"""Enough for a thesis; a longer paper is read from its beginning."""


class Aspect(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a summary; the table of them is `aspects.toml`.

    Attributes:
        cues: (regular expression, weight); the weights of all that match add up.
        sections: headings under which such sentences stand, worth `home` more.
        away: headings under which they do not.
        most: how many sentences are kept.
        least: the score below which a sentence does not belong here.
        early: what the place at the beginning of the paper is worth.
    """

    cues: tuple[tuple[str, float], ...]
    sections: str
    away: str
    most: int
    home: float
    least: float
    early: float


def _data(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


_ASPECTS = msgspec.convert(tomllib.loads(_data("aspects.toml")), dict[str, Aspect])


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    page: int
    section: str
    place: float  # 0 at the paper's beginning, 1 at its end
    order: int


_UNREAD = re.compile(r"\b(references|bibliography|acknowledg\w*|appendix|contents)\b", re.IGNORECASE)
_OPENERS = re.compile(
    r"^(however|moreover|furthermore|in addition|finally|also|unfortunately|first|second|third|last|yet|but)\b,?\s+",
    re.IGNORECASE,
)


def summarize(paper: Paper, engine: str) -> Summary:
    """The paper's own sentences on each aspect, in the order of the paper, with page and section."""
    read = list(_sentences_of(paper))
    gaps = _best(read, _ASPECTS["gaps"])
    return Summary(
        engine=engine,
        task=_quotes(_best(read, _ASPECTS["task"]) or read[:1]),
        datasets=_quotes(_best(read, _ASPECTS["datasets"])),
        metrics=_quotes(_best(read, _ASPECTS["metrics"])),
        method=_quotes(_best(read, _ASPECTS["method"])),
        results=_quotes(_best(read, _ASPECTS["results"])),
        gaps=tuple(
            Gap(id=f"g{number}", statement=_statement(sentence.text), quote=_quote(sentence))
            for number, sentence in enumerate(gaps, start=1)
        ),
        future_work=_quotes(_best(read, _ASPECTS["future"])),
        keywords=keywords(paper),
    )


def _sentences_of(paper: Paper) -> Iterator[_Sentence]:
    """Each sentence of the running text once; headings, references and scraps of tables are passed over."""
    found: list[tuple[str, int, Section]] = []
    seen: set[str] = set()
    for section in paper.sections:
        if _UNREAD.search(section.title):
            continue
        for text, page in sentences(section):
            key = re.sub(r"\W+", "", text.casefold())
            if len(found) < MAX_SENTENCES and key not in seen and _is_prose(text):
                seen.add(key)
                found.append((text, page, section))
    for order, (text, page, section) in enumerate(found):
        yield _Sentence(text, page, section.title, order / max(len(found) - 1, 1), order)


def _is_prose(text: str) -> bool:
    words = re.findall(r"[^\W\d_]{2,}", text)
    return len(words) >= 5 and len(text) <= 600 and sum(map(len, words)) >= 0.5 * len(text)


def _score(sentence: _Sentence, aspect: Aspect) -> float:
    score = sum(weight for cue, weight in aspect.cues if re.search(cue, sentence.text, re.IGNORECASE))
    if not score:
        return 0.0
    if re.search(aspect.sections, sentence.section, re.IGNORECASE):
        score += aspect.home
    if re.search(aspect.away, sentence.section, re.IGNORECASE):
        score -= 1.5
    return score + aspect.early * (1.0 - sentence.place) - (0.5 if len(sentence.text) > 320 else 0.0)


def _best(read: Sequence[_Sentence], aspect: Aspect) -> list[_Sentence]:
    scored = [(score, sentence) for sentence in read if (score := _score(sentence, aspect)) >= aspect.least]
    chosen: list[_Sentence] = []
    for _, sentence in sorted(scored, key=lambda item: (-item[0], item[1].order)):
        if len(chosen) == aspect.most:
            break
        if not any(_alike(sentence.text, other.text) for other in chosen):
            chosen.append(sentence)
    return sorted(chosen, key=lambda sentence: sentence.order)


def _alike(a: str, b: str) -> bool:
    """Whether two sentences say the same in mostly the same words, as an abstract and a conclusion do."""
    first, second = (set(re.findall(r"[^\W\d_]{3,}", text.casefold())) for text in (a, b))
    return len(first & second) >= 0.7 * min(len(first), len(second))


def _quotes(chosen: Sequence[_Sentence]) -> tuple[Quote, ...]:
    return tuple(_quote(sentence) for sentence in chosen)


def _quote(sentence: _Sentence) -> Quote:
    return Quote(text=sentence.text, page=sentence.page, section=sentence.section)


def _statement(text: str) -> str:
    """The sentence without the word that ties it to the one before."""
    rest = _OPENERS.sub("", text)
    return rest[:1].upper() + rest[1:]


_STOP = frozenset(_data("stopwords.txt").split())


def keywords(paper: Paper, most: int = 10) -> tuple[str, ...]:
    """The phrases that carry the paper, by how often they occur and how many words go with theirs (RAKE)."""
    text = " . ".join(
        [paper.title] * 3 + [paper.abstract] * 2 + [s.text for s in paper.sections if not _UNREAD.search(s.title)]
    )
    phrases: Counter[tuple[str, ...]] = Counter()
    for clause in re.split(r"[^\w\s-]|\d+|\n", text[:400_000].lower()):
        run: list[str] = []
        for word in [*re.findall(r"[a-z][\w-]*[a-z]", clause), ""]:
            if word and word not in _STOP and len(word) > 2:
                run.append(word)
            elif run:
                phrases[tuple(run)] += 1
                run = []
    degree: Counter[str] = Counter()
    frequency: Counter[str] = Counter()
    for phrase, count in phrases.items():
        for word in phrase:
            degree[word] += count * len(phrase)
            frequency[word] += count

    def weight(item: tuple[tuple[str, ...], int]) -> float:
        phrase, count = item
        return sum(degree[w] / frequency[w] for w in phrase) * (count - 0.5) if len(phrase) <= 3 else 0.0

    ranked = sorted(phrases.items(), key=lambda item: (-weight(item), item[0]))
    chosen: list[str] = []
    for phrase, count in ranked:
        words = " ".join(phrase)
        if count > 1 and len(phrase) <= 3 and not any(words in other or other in words for other in chosen):
            chosen.append(words)
        if len(chosen) == most:
            break
    return tuple(chosen)
