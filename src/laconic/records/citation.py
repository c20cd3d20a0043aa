"""Credit is built in: the BibTeX entries of the methods that a run used."""

from collections.abc import Iterable
from typing import Final

from laconic.errors import UsageError
from laconic.records.record import Record

ENTRIES: Final = {
    "equal-info": """@article{lester2024training,
  title   = {Training {LLM}s over Neurally Compressed Text},
  author  = {Lester, Brian and Lee, Jaehoon and Alemi, Alex and Pennington, Jeffrey and Roberts, Adam
             and Sohl-Dickstein, Jascha and Constant, Noah},
  journal = {Transactions on Machine Learning Research},
  year    = {2024},
  note    = {arXiv:2404.03626}
}""",
    "trime": """@inproceedings{zhong2022training,
  title     = {Training Language Models with Memory Augmentation},
  author    = {Zhong, Zexuan and Lei, Tao and Chen, Danqi},
  booktitle = {Proceedings of EMNLP 2022},
  year      = {2022},
  note      = {arXiv:2205.12674}
}""",
    "recurrence": """@inproceedings{dai2019transformer,
  title     = {Transformer-{XL}: Attentive Language Models beyond a Fixed-Length Context},
  author    = {Dai, Zihang and Yang, Zhilin and Yang, Yiming and Carbonell, Jaime and Le, Quoc V. and Salakhutdinov, Ruslan},
  booktitle = {Proceedings of ACL 2019},
  year      = {2019}
}""",
    "similar": """@article{robertson2009probabilistic,
  title   = {The Probabilistic Relevance Framework: {BM25} and Beyond},
  author  = {Robertson, Stephen and Zaragoza, Hugo},
  journal = {Foundations and Trends in Information Retrieval},
  volume  = {3},
  number  = {4},
  pages   = {333--389},
  year    = {2009}
}""",
    "cofi": """@inproceedings{xia2022structured,
  title     = {Structured Pruning Learns Compact and Accurate Models},
  author    = {Xia, Mengzhou and Zhong, Zexuan and Chen, Danqi},
  booktitle = {Proceedings of ACL 2022},
  year      = {2022},
  note      = {arXiv:2204.00408}
}""",
    "arithmetic-coding": """@article{witten1987arithmetic,
  title   = {Arithmetic Coding for Data Compression},
  author  = {Witten, Ian H. and Neal, Radford M. and Cleary, John G.},
  journal = {Communications of the ACM},
  volume  = {30},
  number  = {6},
  pages   = {520--540},
  year    = {1987}
}""",
    "sentencepiece": """@inproceedings{kudo2018sentencepiece,
  title     = {{SentencePiece}: A Simple and Language Independent Subword Tokenizer and Detokenizer for Neural Text Processing},
  author    = {Kudo, Taku and Richardson, John},
  booktitle = {Proceedings of EMNLP 2018: System Demonstrations},
  year      = {2018}
}""",
    "bpe": """@inproceedings{sennrich2016neural,
  title     = {Neural Machine Translation of Rare Words with Subword Units},
  author    = {Sennrich, Rico and Haddow, Barry and Birch, Alexandra},
  booktitle = {Proceedings of ACL 2016},
  year      = {2016}
}""",
}
"""One BibTeX entry for each method, by the name that configurations use."""

_ALSO = {
    "equal-info": ("equal-info", "arithmetic-coding"),
    "ac": ("equal-info", "arithmetic-coding"),
    "static-ac": ("equal-info", "arithmetic-coding"),
}


def citation(*used: str | Record) -> str:
    """The BibTeX entries of the methods that were used.

    Args:
        used: names of methods or tokenizers, such as `equal-info` or `sentencepiece`, or records of runs, which are
            searched for such names. With nothing given: all entries.

    Returns:
        The entries, each once, separated by empty lines; an empty string where a record used none of them.

    Raises:
        UsageError: a name without an entry.
    """
    if not used:
        return "\n\n".join(ENTRIES.values())
    wanted: dict[str, None] = {}
    for item in used:
        for name in _named_in(item) if isinstance(item, Record) else [_known(item)]:
            wanted.update(dict.fromkeys(_ALSO.get(name, (name,))))
    return "\n\n".join(ENTRIES[name] for name in ENTRIES if name in wanted)


def _known(name: str) -> str:
    if name not in ENTRIES and name not in _ALSO:
        raise UsageError(f"no citation is known for {name!r}; there are {', '.join(sorted({*ENTRIES, *_ALSO}))}")
    return name


def _named_in(record: Record) -> list[str]:
    """The names of methods that occur as values in a record's configuration and results, such as `equal-info[16,256]`."""
    words = {word.split("[")[0] for word in (*_strings(record.config), *_strings(record.results))}
    return sorted(words & {*ENTRIES, *_ALSO})


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
