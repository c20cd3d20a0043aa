"""Questions about texts as a model reads them: contexts in overlapping windows, answers as first and last tokens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64
from torch import nn
from transformers import PreTrainedTokenizerBase

from laconic.errors import UsageError
from laconic.evaluation.squad import best_answer, best_spans, squad_scores
from laconic.evaluation.tasks import read_logits
from laconic.recipes.task_data import AT_ONCE, SQUAD, TaskData, batched, columns_of, forget_truncation, pad_id_of
from laconic.text.questions import Question, read_questions
from laconic.training.examples import Example

MOST_ASKED = 64
"""Tokens of a question that are read, as by the published script of BERT."""

OVERLAP = 0.375
"""Of a window, as a share: 128 of 384 tokens have been read before."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Questions, each with its context in one or several windows.

    Attributes:
        examples: the windows, those of a question together; where the answer is not in a window, both ends are its first token.
        owner: of each window, the number of its question.
        offsets: of each token of each window where it stands in the context; -1 and -1 for what is none of it.
    """

    examples: Sequence[Example]
    owner: Sequence[int]
    offsets: Sequence[Int64[np.ndarray, "_ 2"]]


def squad_data(
    tokenizer: PreTrainedTokenizerBase, *, max_length: int, limit: int | None = None, data_root: Path | None = None
) -> TaskData:
    """SQuAD v1.1, with what the data folder has to learn from.

    Args:
        tokenizer: of the model, one of the fast ones.
        max_length: tokens of a window.
        limit: questions to learn from, at most.
        data_root: the data folder.

    Raises:
        MissingDataError: it is not at hand.
    """
    questions = read_questions("valid", data_root=data_root)
    train = cut_windows(read_questions("train", data_root=data_root, limit=limit), tokenizer, max_length=max_length)
    valid = cut_windows(questions, tokenizer, max_length=max_length)

    pad_id = pad_id_of(tokenizer)

    def judge(model: nn.Module) -> dict[str, float]:
        logits = read_logits(model, valid.examples, kind="span", pad_id=pad_id)
        scores = squad_scores(answers(questions, valid, logits), questions)
        return {"f1": scores["f1"] / 100, "exact_match": scores["exact_match"] / 100}

    return TaskData(
        name=SQUAD,
        kind="span",
        labels=(),
        train=train.examples,
        valid=valid.examples,
        judge=judge,
        trivial=squad_scores({question.id: first_sentence(question.context) for question in questions}, questions)["f1"] / 100,
        pad_id=pad_id,
        questions=len(questions),
    )


def cut_windows(questions: Sequence[Question], tokenizer: PreTrainedTokenizerBase, *, max_length: int) -> Windows:
    """Tokenize questions with their contexts.

    Args:
        questions: each with an answer.
        tokenizer: one of the fast ones.
        max_length: tokens of a window.

    Raises:
        UsageError: a slow tokenizer, which does not say where tokens stand, or a question that leaves no room for a context.
    """
    if not tokenizer.is_fast:
        raise UsageError("questions need a tokenizer that says where its tokens stand: save its fast version (tokenizer.json)")
    stride, special = int(OVERLAP * max_length), tokenizer.num_special_tokens_to_add(pair=True)
    owner, offsets, examples = list[int](), list[Int64[np.ndarray, "_ 2"]](), list[Example]()
    for some_of_them in batched(questions, AT_ONCE):
        asked, longest = _cut_questions(some_of_them, tokenizer)
        if longest + special + stride + 1 > max_length:
            raise UsageError(
                f"max_length is {max_length}, but a question of {longest} tokens leaves no room for its context: "
                f"set it to {math.ceil((longest + special + 1) / (1 - OVERLAP))} or higher"
            )
        encoded = tokenizer(
            asked,
            [question.context for question in some_of_them],
            truncation="only_second",
            max_length=max_length,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        done = len(owner) and owner[-1] + 1
        for place, number in enumerate(encoded["overflow_to_sample_mapping"]):
            inside_T = np.array([part == 1 for part in encoded.sequence_ids(place)])
            offset_T2 = np.where(inside_T[:, None], np.array(encoded["offset_mapping"][place], dtype=np.int64), -1)
            columns, question = columns_of(encoded, place), some_of_them[number]
            span = span_of(offset_T2, question.starts[0], question.starts[0] + len(question.answers[0]))
            size = len(question.question.encode()) + len(question.context.encode())
            examples.append(Example(columns=columns, label=span, bytes=size))
            offsets.append(offset_T2)
            owner.append(done + number)
    forget_truncation(tokenizer)
    return Windows(examples=examples, owner=owner, offsets=offsets)


def _cut_questions(questions: Sequence[Question], tokenizer: PreTrainedTokenizerBase) -> tuple[list[str], int]:
    """Questions without what is longer than anybody asks, as BERT reads them; and the tokens of the longest that is left."""
    asked = [question.question.strip() for question in questions]
    encoded = tokenizer(asked, add_special_tokens=False, return_offsets_mapping=True)
    cut = [
        text if len(offsets) <= MOST_ASKED else text[: offsets[MOST_ASKED - 1][1]]
        for text, offsets in zip(asked, encoded["offset_mapping"], strict=True)
    ]
    return cut, min(MOST_ASKED, max(map(len, encoded["input_ids"]), default=0))


def first_sentence(context: str) -> str:
    """What one answers who has read neither question nor context."""
    return context.partition(". ")[0]


def span_of(offset_T2: Int64[np.ndarray, "T 2"], begin: int, end: int) -> tuple[int, int]:
    """The first and the last token of an answer; twice 0, the window's first token, where the window does not have all of it.

    Args:
        offset_T2: where each token stands in the context; -1 and -1 for what is none of it.
        begin: the answer's first character.
        end: the one behind its last.
    """
    holds_T = (offset_T2[:, 0] >= 0) & (offset_T2[:, 1] > begin) & (offset_T2[:, 0] < end)
    places = np.flatnonzero(holds_T)
    if not len(places) or offset_T2[places[0], 0] > begin or offset_T2[places[-1], 1] < end:
        return 0, 0
    return int(places[0]), int(places[-1])


def answers(questions: Sequence[Question], windows: Windows, logits: Sequence[np.ndarray]) -> dict[str, str]:
    """The likeliest answer to each question, by its id.

    Args:
        questions: all of them.
        windows: what `cut_windows` gave.
        logits: of first and last tokens, for each window.
    """
    of_question: list[list[int]] = [[] for _ in questions]
    for place, number in enumerate(windows.owner):
        of_question[number].append(place)
    found = {}
    for question, places in zip(questions, of_question, strict=True):
        longest = max(logits[place].shape[-1] for place in places)
        logits_B2T = np.stack([_filled(logits[place].T, longest, 0.0).T for place in places]).astype(np.float64)
        offset_BT2 = np.stack([_filled(windows.offsets[place], longest, -1) for place in places])
        found[question.id] = best_answer(best_spans(logits_B2T[:, 0], logits_B2T[:, 1], offset_BT2, question.context))
    return found


def _filled(rows: np.ndarray, length: int, value: Any) -> np.ndarray:
    return np.pad(rows, ((0, length - len(rows)), (0, 0)), constant_values=value)
