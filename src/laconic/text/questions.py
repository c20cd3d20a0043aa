"""Questions whose answers stand in a text: SQuAD v1.1."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from laconic.errors import CorruptFileError
from laconic.text.hub import HubData, hub_rows
from laconic.text.named import NAMED, find_folder, split_files
from laconic.text.splits import check_split
from laconic.text.tables import read_paragraphs

_NAME = "squad"
_NEXT = "give a file in the format of SQuAD v1.1"
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question, and what people answered from a text.

    Attributes:
        id: names the question.
        question: what is asked.
        context: the text that the answers are taken from.
        answers: at least one; several people may have given the same.
        starts: at which character of the context each begins.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]


def read_questions(split: str, *, data_root: Path | str | None = None, limit: int | None = None) -> list[Question]:
    """The questions of the data set `squad`.

    In the data folder, `valid` is the official development set and `train` is SQuADShifts, which asks the same kind of
    questions about later Wikipedia articles and about Reddit; on the hub both are the official sets.

    Args:
        split: `train` or `valid`.
        data_root: the data folder; that of `LACONIC_DATA` if None.
        limit: read only so many, at least 1; None for all.

    Raises:
        UsageError: no such split.
        MissingDataError: neither in the data folder nor to be had from the hub; the message says how to provide it.
        CorruptFileError: another format.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, but is {limit}")
    data = NAMED[_NAME]
    check_split(split, data.splits, _NAME)
    folder = find_folder(data, data_root)
    if folder is None:
        assert data.hub is not None
        return list(islice(_hub_questions(data.hub, split), limit))
    files = split_files(_NAME, data, split, folder)
    return list(islice(chain.from_iterable(map(read_question_file, files)), limit))


def read_question_file(path: Path) -> list[Question]:
    """The questions of a file in the format of SQuAD v1.1, packed or not, in its order.

    Raises:
        CorruptFileError: another format, no questions, the same id twice, or an answer that does not stand where it is said
            to; the message says which question.
    """
    questions = dict[str, Question]()
    for number, paragraph in enumerate(read_paragraphs(path), start=1):
        where = f"{path}, paragraph {number}"
        for item in _field(paragraph, "qas", list, where):
            name = _field(item, "id", str, where)
            if name in questions:
                raise CorruptFileError(f"{path} has two questions with the id {name!r}: {_NEXT}")
            questions[name] = _question(item, paragraph["context"], f"{path}, question {name!r}")
    if not questions:
        raise CorruptFileError(f"{path} holds no questions: {_NEXT}")
    return list(questions.values())


def _question(item: Mapping[str, Any], context: str, where: str) -> Question:
    answers = _field(item, "answers", list, where)
    texts = [_field(answer, "text", str, where) for answer in answers]
    starts = [_field(answer, "answer_start", int, where) for answer in answers]
    _check_answers(context, texts, starts, where)
    text = _field(item, "question", str, where)
    return Question(id=item["id"], question=text, context=context, answers=tuple(texts), starts=tuple(starts))


def _hub_questions(hub: HubData, split: str) -> Iterator[Question]:
    for number, row in enumerate(hub_rows(_NAME, hub, split)):
        where = f"{_NAME}, row {number}"
        answers = _field(row, "answers", dict, where)
        texts, starts = _field(answers, "text", list, where), _field(answers, "answer_start", list, where)
        name, text, context = (_field(row, key, str, where) for key in ("id", "question", "context"))
        _check_answers(context, texts, starts, where)
        yield Question(id=name, question=text, context=context, answers=tuple(texts), starts=tuple(starts))


def _check_answers(context: str, texts: Sequence[str], starts: Sequence[int], where: str) -> None:
    if not texts:
        raise CorruptFileError(f"{where} has no answer, which only SQuAD 2 allows: remove the question")
    for text, start in zip(texts, starts, strict=True):
        if not text or start < 0 or not context.startswith(text, start):
            raise CorruptFileError(f"{where} has the answer {text!r}, which does not stand at character {start}: {_NEXT}")


def _field(item: object, key: str, kind: type[_Kind], where: str) -> _Kind:
    """A field of a JSON object, of the kind that it must have."""
    if not isinstance(item, Mapping) or not isinstance(value := item.get(key), kind):
        raise CorruptFileError(f"{where} has no {key!r} that is a {kind.__name__}: {_NEXT}")
    return value
