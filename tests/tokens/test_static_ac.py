from laconic.tokens.arithmetic import ArithmeticConfig
from laconic.tokens.static_ac import train_static_ac


def test_common_bytes_cost_less_and_context_does_not_matter(documents):
    tokenizer = train_static_ac(documents, ArithmeticConfig(token_bits=8))
    assert tokenizer.name == "static-ac[256]"
    assert len(tokenizer.encode("the cat sat " * 20)) < len(tokenizer.encode("QJZ#%QJZ#%QJ" * 20))
    assert len(tokenizer.encode("the cat sat " * 20)) == len(tokenizer.encode("".join(sorted("the cat sat " * 20))))


def test_text_comes_back(documents):
    tokenizer = train_static_ac(documents, ArithmeticConfig())
    for document in documents:
        assert tokenizer.decode_bytes(tokenizer.encode_bytes(document)) == document
