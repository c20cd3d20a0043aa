"""Questions in SQuAD's format, from files, by name and from the hub."""

import copy
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from laconic.errors import CorruptFileError, MissingDataError, UsageError
from laconic.text.hub import OFFLINE
from laconic.text.questions import Question, read_question_file, read_questions

CONTEXT = "Zoë was born in Bonn. Bonn is small."
DATA: dict[str, Any] = {
    "version": "1.1",
    "data": [
        {"paragraphs": []},
        {
            "title": "t",
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {"id": "1", "question": "Who?", "answers": [{"text": "Zoë", "answer_start": 0}]},
                        {
                            "id": "2",
                            "question": "Where?",
                            "answers": [{"text": "Bonn", "answer_start": 22}, {"text": "in Bonn", "answer_start": 13}],
                        },
                    ],
                },
                {"context": "No questions.", "qas": []},
            ],
        },
    ],
}
EXPECTED = [
    Question(id="1", question="Who?", context=CONTEXT, answers=("Zoë",), starts=(0,)),
    Question(id="2", question="Where?", context=CONTEXT, answers=("Bonn", "in Bonn"), starts=(22, 13)),
]


def write(path: Path, data: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(data).encode()
    path.write_bytes(lzma.compress(text) if path.suffix == ".xz" else text)
    return path


@pytest.mark.parametrize("name", ["q.json", "q.json.xz"])
def test_a_file(tmp_path: Path, name: str) -> None:
    assert read_question_file(write(tmp_path / name, DATA)) == EXPECTED


def change(*path: str | int) -> Callable[[object], dict[str, Any]]:
    """A function that puts a value into a copy of the data, at a place in the paragraph with questions."""

    def put(value: object) -> dict[str, Any]:
        data = copy.deepcopy(DATA)
        place = data["data"][1]["paragraphs"][0]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return data

    return put


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"data": []}, "holds no questions"),
        ({"data": 3}, "is not in SQuAD's format"),
        (change("context")(None), "is not in SQuAD's format"),
        (change("qas")(None), "paragraph 1 has no 'qas' that is a list"),
        (change("qas", 0)("x"), "paragraph 1 has no 'id' that is a str"),
        (change("qas", 0, "id")(7), "paragraph 1 has no 'id' that is a str"),
        (change("qas", 0, "id")("2"), "has two questions with the id '2'"),
        (change("qas", 1, "question")(None), "question '2' has no 'question' that is a str"),
        (change("qas", 1, "answers")({}), "question '2' has no 'answers' that is a list"),
        (change("qas", 1, "answers")([]), "question '2' has no answer, which only SQuAD 2 allows"),
        (change("qas", 1, "answers", 0)("Bonn"), "question '2' has no 'text' that is a str"),
        (change("qas", 1, "answers", 0, "answer_start")("22"), "question '2' has no 'answer_start' that is a int"),
        (change("qas", 1, "answers", 0, "answer_start")(21), "the answer 'Bonn', which does not stand at character 21"),
        (change("qas", 1, "answers", 0, "answer_start")(-14), "does not stand at character -14"),
        (change("qas", 1, "answers", 0, "text")(""), "the answer '', which does not stand"),
    ],
)
def test_other_formats_are_one_sentence(tmp_path: Path, data: object, message: str) -> None:
    with pytest.raises(CorruptFileError, match=message):
        read_question_file(write(tmp_path / "q.json", data))


def test_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "squad" / "squadshifts_b.json.xz", DATA)
    other = change("qas")([DATA["data"][1]["paragraphs"][0]["qas"][0] | {"id": "0"}])
    write(tmp_path / "squad" / "squadshifts_a.json.xz", other)
    assert [question.id for question in read_questions("train", data_root=tmp_path)] == ["0", "1", "2"]
    assert [question.id for question in read_questions("train", data_root=tmp_path, limit=2)] == ["0", "1"]
    with pytest.raises(MissingDataError, match=r"has no file dev-\* for 'squad', split 'valid'"):
        read_questions("valid", data_root=tmp_path)
    with pytest.raises(UsageError, match="squad has no split 'test': choose one of train, valid"):
        read_questions("test", data_root=tmp_path)
    with pytest.raises(ValueError, match="limit must be at least 1, but is 0"):
        read_questions("train", data_root=tmp_path, limit=0)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingDataError, match="'squad' is not at hand"):
        read_questions("train", data_root=tmp_path / "squad")


def test_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {
            "id": question.id,
            "title": "t",
            "question": question.question,
            "context": question.context,
            "answers": {"text": list(question.answers), "answer_start": list(question.starts)},
        }
        for question in EXPECTED
    ]
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=lambda *_, **__: rows))
    for variable in OFFLINE:
        monkeypatch.delenv(variable, raising=False)
    assert read_questions("valid", data_root=tmp_path) == EXPECTED
    rows[1]["answers"] = {"text": ["Bonn"], "answer_start": [0]}
    assert read_questions("valid", data_root=tmp_path, limit=1) == EXPECTED[:1]
    with pytest.raises(CorruptFileError, match="squad, row 1 has the answer 'Bonn', which does not stand at character 0"):
        read_questions("valid", data_root=tmp_path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("split", "questions", "contexts", "answers"), [("valid", 10_570, 2_067, 34_726), ("train", 17_741, 3_614, 50_486)]
)
def test_the_real_data_is_whole(data_root: Path, split: str, questions: int, contexts: int, answers: int) -> None:
    found = read_questions(split, data_root=data_root)
    assert len(found) == len({question.id for question in found}) == questions
    counted = len({question.context for question in found}), sum(len(question.answers) for question in found)
    assert counted == (contexts, answers)
