"""Codebooks in plain Python, written for reading: the oracle of `laconic.codec.codebook`."""

from collections.abc import Mapping, Sequence

import numpy as np

from laconic.codec.codebook import Codebook

String = tuple[int, ...]


def strings_of(book: Codebook) -> list[String]:
    """All strings of a book and their beginnings, by number."""
    strings: list[String] = [()]
    symbols = iter(book.symbols_N.tolist()[1:])
    for number, children in enumerate(book.children_N.tolist()):
        strings += [(*strings[number], next(symbols)) for _ in range(children)]
    return strings


def codes_of(book: Codebook) -> dict[String, int]:
    """The code that is written for each string that has one."""
    strings, codes = strings_of(book), dict[String, int]()
    for code, owner in enumerate(book.owners_K.tolist()):
        if owner:
            codes.setdefault(strings[owner], code)
    return codes


def encode(symbols: Sequence[int], codes: Mapping[String, int]) -> list[int]:
    """The codes of the longest strings that the text begins with, again and again."""
    longest, written, at = max(map(len, codes)), list[int](), 0
    while at < len(symbols):
        pieces = (tuple(symbols[at : at + size]) for size in range(longest, 0, -1))
        piece = next(piece for piece in pieces if piece in codes)
        written.append(codes[piece])
        at += len(piece)
    return written


def decode(codes: Sequence[int], book: Codebook) -> list[int]:
    """The symbols that codes stand for."""
    strings, owners = strings_of(book), book.owners_K.tolist()
    return [symbol for code in codes for symbol in strings[owners[code]]]


def book_of(codes: Mapping[String, int], bits: int) -> Codebook:
    """The book in which these strings have these codes."""
    beginnings = {string[:size] for string in codes for size in range(len(string) + 1)}
    strings = sorted(beginnings, key=lambda string: (len(string), string))
    numbers = {string: number for number, string in enumerate(strings)}
    children_N, owners_K = np.zeros(len(strings), np.uint16), np.zeros(1 << bits, np.uint32)
    for string in strings[1:]:
        children_N[numbers[string[:-1]]] += 1
    for string, code in codes.items():
        owners_K[code] = numbers[string]
    symbols_N = np.array([0, *(string[-1] for string in strings[1:])], np.uint16)
    return Codebook(bits=bits, symbols_N=symbols_N, children_N=children_N, owners_K=owners_K)
