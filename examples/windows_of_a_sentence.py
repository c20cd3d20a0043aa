"""Equal-Info windows by eye: which bytes share a token, and what the three readings make of the same sentence.

Every window holds the same 16 bits of information, so that predictable text makes long windows and surprises short ones.
The reading `paper` is the procedure as published: some of its windows decode to other text than they were made from.

    python examples/windows_of_a_sentence.py
"""

import laconic

SENTENCE = b"The theory of information measures surprise: the next letter of this sentence tells you little, but qzx does."


def main() -> None:
    """Print the windows of the exact reading, then a line for each reading."""
    tokenizer = laconic.load_tokenizer("equal-info[16,65536]")
    ids = tokenizer.encode_bytes(SENTENCE)
    windows = [tokenizer.decode_bytes(ids[i : i + 1]) for i in range(len(ids))]
    assert b"".join(windows) == SENTENCE
    print(" | ".join(window.decode() for window in windows))
    for reading in ("exact", "delay", "paper"):
        tokenizer = laconic.load_tokenizer(f"equal-info[16,65536,{reading}]")
        ids = tokenizer.encode_bytes(SENTENCE)
        verdict = "comes back" if tokenizer.decode_bytes(ids) == SENTENCE else "does not come back"
        print(f"{reading:6} {len(ids):3} tokens, {len(SENTENCE) / len(ids):.2f} bytes/token, {verdict}")


if __name__ == "__main__":
    main()
