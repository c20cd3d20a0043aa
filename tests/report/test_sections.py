import re
from collections.abc import Callable

from laconic.records.record import Record
from laconic.report import sections


def _of(records: list[Record], kind: str) -> list[Record]:
    return [record for record in records if record.kind == kind]


def test_compression_shows_every_codec_and_a_figure(sample: list[Record]) -> None:
    shown = sections.compression(_of(sample, "compression"))
    assert re.findall(r'<th scope="row">([^<]*)</th>', shown) == ["laconic default", "xz -9e", "gzip -9"]
    assert "<strong>1.900</strong>" in shown
    assert "4.21" in shown
    assert shown.count("<svg") == 1
    assert shown.count("var(--accent)") == 1


def test_tokenizers_show_their_numbers(sample: list[Record]) -> None:
    shown = sections.tokenizers(_of(sample, "tokenizers"))
    assert "<strong>3.500</strong>" in shown
    assert "500,000 bytes" in shown
    assert "tokens shown" not in shown


def test_language_models_show_table_curves_and_costs(sample: list[Record]) -> None:
    shown = sections.language_models(_of(sample, "language-model"))
    assert shown.count("<svg") == 4
    assert "500,000 held-out bytes" in shown
    assert "So little text" in shown
    assert "compare with care" not in shown


def test_models_measured_on_other_bytes_are_not_compared_in_silence(make_record: Callable[..., Record]) -> None:
    results = {"tokenizer": "bytes", "bits_per_byte": 2.0}
    records = [make_record("language-model", str(size), {**results, "held_out_bytes": size}) for size in (1000, 2000)]
    assert "compare with care" in sections.language_models(records)


def test_models_with_one_tokenizer_have_different_labels(make_record: Callable[..., Record]) -> None:
    records = [make_record("language-model", name, {"tokenizer": "bytes"}) for name in ("a", "b", "b")]
    assert list(sections.labelled(records)) == ["bytes, a", "bytes, b", "bytes, b (2)"]


def test_the_paper_s_flops_are_drawn_where_the_full_ones_are_not_all_known(sample: list[Record]) -> None:
    models = _of(sample, "language-model")
    assert "everything counted" in sections.language_models(models)
    del models[0].results["flops_per_byte_full"]
    assert "counted the paper's way" in sections.language_models(models)


def test_tokens_show_each_tokenizer(sample: list[Record]) -> None:
    shown = sections.tokens(_of(sample, "tokenizers"))
    assert re.findall("<h3>([^<]*)</h3>", shown) == ["bytes", "sentencepiece", "equal-info [16, 256]"]


def test_tokens_without_any_shown_are_no_section(make_record: Callable[..., Record]) -> None:
    assert sections.tokens([make_record("tokenizers", "x", {"tokenizers": [{"name": "a"}]})]) == ""


def test_other_kinds_and_unknown_keys_are_shown_as_tables(make_record: Callable[..., Record]) -> None:
    assert "perplexity" in sections.other([make_record("evaluate", "m", {"perplexity": 12.5})])
    shown = sections.compression([make_record("compression", "c", {"codecs": [], "surprise_factor": 7})])
    assert "Also recorded by c" in shown
    assert "surprise factor" in shown


def test_malformed_results_do_no_harm(make_record: Callable[..., Record]) -> None:
    for results in (
        {},
        {"codecs": 3, "bytes": "x"},
        {"codecs": [{}]},
        {"tokenizers": [{"name": None}]},
        {"curve": [{}], "notes": 3},
        {"memory": "long", "gates": [1], "view": {}, "frequency_buckets": [3, {}]},
    ):
        for _, _, kind, write in sections.SECTIONS:
            assert isinstance(write([make_record(kind, "odd", results)]), str)


def test_ours() -> None:
    assert sections.ours("laconic default")
    assert not sections.ours("xz")
