"""Several corpora as one: documents in turn, so that each gives its share of the bytes."""

from collections.abc import Iterator, Mapping

from laconic.errors import MissingDataError
from laconic.text.corpus import Corpus


def mix_corpora(corpora: Mapping[str, tuple[Corpus, float]]) -> Corpus:
    """One corpus out of several.

    The next document is always from the corpus that is furthest behind its share. The text ends where the first corpus
    ends; the others begin again when they are exhausted, as often as needed.

    Args:
        corpora: by name, each with its share of the bytes, above 0, of any sum.

    Raises:
        ValueError: nothing to mix, or a share that is not above 0.
    """
    if not corpora or not all(share > 0 for _, share in corpora.values()):
        raise ValueError("a mixture needs at least one corpus, and shares above 0")
    first = next(iter(corpora.values()))[0]

    def read() -> Iterator[bytes]:
        readers = {name: corpus.documents() for name, (corpus, _) in corpora.items()}
        given = dict.fromkeys(corpora, 0.0)
        while True:
            name = min(given, key=lambda name: given[name])
            corpus, share = corpora[name]
            document = next(readers[name], None)
            if document is None and corpus is first:
                return
            if document is None:
                readers[name] = corpus.documents()
                document = next(readers[name], None)
            if document is None:
                raise MissingDataError(f"the corpus {name!r} has no text: leave it out of the mixture")
            given[name] += (len(document) + 1) / share
            yield document

    details = {name: {"share": share, **corpus.describe()} for name, (corpus, share) in corpora.items()}
    return Corpus(name=" + ".join(corpora), split=first.split, details=details, read=read)
