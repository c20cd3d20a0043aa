import pytest

from laconic.codec.reference_codebook import book_of, codes_of, decode, encode, strings_of

SINGLES = {(symbol,): 1000 + symbol for symbol in range(257)}


def test_the_longest_string_wins_and_beginnings_need_no_code():
    codes = SINGLES | {(97, 98, 99): 5, (97, 98, 99, 100, 101): 6}
    assert encode([97, 98, 99, 100, 101], codes) == [6]
    assert encode([97, 98, 99, 100, 102], codes) == [5, 1100, 1102]
    assert encode([97, 98, 100], codes) == [1097, 1098, 1100]
    assert encode([], codes) == []


def test_a_book_says_what_it_was_made_from():
    codes = SINGLES | {(97, 98, 99): 5, (256, 256): 0, (0, 0): 65535}
    book = book_of(codes, 16)
    assert codes_of(book) == codes
    assert strings_of(book)[0] == () and sorted(strings_of(book), key=lambda s: (len(s), s)) == strings_of(book)
    assert decode([5, 0, 65535, 1097], book) == [97, 98, 99, 256, 256, 0, 0, 97]


def test_the_smallest_of_several_codes_is_written():
    book = book_of(SINGLES | {(97, 98): 9}, 16)
    book.owners_K[[3, 12]] = book.owners_K[9]
    assert codes_of(book)[(97, 98)] == 3
    assert decode([3, 9, 12], book) == [97, 98] * 3


def test_without_all_single_symbols_there_is_no_book():
    with pytest.raises(ValueError, match="single symbol"):
        book_of({string: code for string, code in SINGLES.items() if string != (7,)}, 16)
