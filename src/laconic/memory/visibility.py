"""Which slots of a memory a token may see.

A batch in memory is its tokens in order, row by row: slot j holds the key at position j and, as its value, the token that
was predicted there. A token never sees itself or what comes after it in its own text:

    begin        end                     one token of the batch sees the slots from `begin` to `end`,
      |           |                      but not those from `gap_begin` to `gap_end`
    --#####---#####-------
           |  |
    gap_begin gap_end
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Int64
from torch import Tensor


@final
@dataclass(frozen=True, kw_only=True)
class Visibility:
    """For each query two ranges of slots: what it sees, and what of that it does not. Ends are not part of a range.

    Attributes:
        begin_N, end_N: the slots that query n sees.
        gap_begin_N, gap_end_N: the slots among them that it does not see; none where the two are equal.
    """

    begin_N: Int64[Tensor, "N"]
    end_N: Int64[Tensor, "N"]
    gap_begin_N: Int64[Tensor, "N"]
    gap_end_N: Int64[Tensor, "N"]

    def of(self, queries: slice) -> "Visibility":
        """What some of the queries see."""
        return Visibility(
            begin_N=self.begin_N[queries],
            end_N=self.end_N[queries],
            gap_begin_N=self.gap_begin_N[queries],
            gap_end_N=self.gap_end_N[queries],
        )

    def span(self) -> slice:
        """The smallest range that holds all slots that any query sees, gaps included."""
        seeing = self.begin_N < self.end_N
        if not bool(seeing.any()):
            return slice(0, 0)
        return slice(int(self.begin_N[seeing].min()), int(self.end_N[seeing].max()))

    def sees_all(self, slots: slice) -> bool:
        """Whether every query sees every slot of a range."""
        gap = (self.gap_begin_N < self.gap_end_N) & (self.gap_begin_N < slots.stop) & (self.gap_end_N > slots.start)
        blind = (self.begin_N > slots.start) | (self.end_N < slots.stop) | gap
        return not bool(blind.any())

    def mask(self, slots: slice) -> Bool[Tensor, "N M"]:
        """Whether each query sees each slot of a range."""
        slot_M = torch.arange(slots.start, slots.stop, device=self.begin_N.device)
        seen_NM = (slot_M >= self.begin_N[:, None]) & (slot_M < self.end_N[:, None])
        hidden_NM = (slot_M >= self.gap_begin_N[:, None]) & (slot_M < self.gap_end_N[:, None])
        return seen_NM & ~hidden_NM


def see_earlier(documents_BT: Int64[Tensor, "B T"], *, across_rows: bool) -> Visibility:
    """Each token sees the earlier ones of its document.

    Args:
        documents_BT: which document each token belongs to; those of one document lie next to each other, row after row.
        across_rows: also those in rows before its own, so that rows are consecutive segments (TRIME's long-term memory);
            otherwise those in its own row alone (local memory).
    """
    rows, length = documents_BT.shape
    document_N, position_N = documents_BT.flatten(), torch.arange(rows * length, device=documents_BT.device)
    begins_N = torch.ones_like(document_N, dtype=torch.bool)
    begins_N[1:] = document_N[1:] != document_N[:-1]
    begin_N = torch.where(begins_N, position_N, 0).cummax(0).values
    if not across_rows:
        begin_N = torch.maximum(begin_N, position_N - position_N % length)
    nothing_N = torch.zeros_like(position_N)
    return Visibility(begin_N=begin_N, end_N=position_N, gap_begin_N=nothing_N, gap_end_N=nothing_N)


def see_other_rows(
    rows: int, length: int, *, own: bool, first: int = 0, all_rows: int | None = None, device: torch.device | str = "cpu"
) -> Visibility:
    """Each token sees all tokens of all other rows (TRIME's external memory, batches of similar segments).

    Args:
        rows: rows that ask.
        length: tokens in a row.
        own: also the earlier tokens of its own row.
        first: which row of the memory the first one that asks is: other processes may hold rows before it.
        all_rows: rows in the memory; `rows` if None.
        device: where the answer is needed.
    """
    size = (rows if all_rows is None else all_rows) * length
    position_N = first * length + torch.arange(rows * length, device=device)
    row_N = position_N - position_N % length
    return Visibility(
        begin_N=torch.zeros_like(position_N),
        end_N=torch.full_like(position_N, size),
        gap_begin_N=position_N if own else row_N,
        gap_end_N=row_N + length,
    )
