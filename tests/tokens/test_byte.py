import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laconic.errors import CorruptFileError
from laconic.tokens.byte import ByteTokenizer


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_laws(laws, batches, data):
    laws(ByteTokenizer(), data.draw(batches))


def test_ids_are_bytes_and_256_ends_a_document():
    tokenizer = ByteTokenizer()
    assert tokenizer.encode("Aé") == [65, 0xC3, 0xA9]
    assert tokenizer.encode_batch([np.array([65, 256], np.uint16)])[0].tolist() == [65, 256]
    assert (tokenizer.vocab_size, tokenizer.eos_id, tokenizer.pad_id) == (257, 256, 257)


def test_ids_out_of_range_are_refused():
    for wrong in (-1, 258, 1 << 30):
        with pytest.raises(CorruptFileError, match=f"id {wrong} is not among the 257"):
            ByteTokenizer().decode_bytes([65, wrong])


def test_symbols_out_of_range_are_refused():
    with pytest.raises(ValueError, match="257"):
        ByteTokenizer().encode_batch([np.array([257], np.uint16)])
