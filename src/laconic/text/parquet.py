"""Parquet files: a table on disk, with the text in one of its columns."""

from collections.abc import Iterator
from pathlib import Path

from laconic.errors import CorruptFileError, UsageError, missing_extra
from laconic.text.compressed import sentences
from laconic.text.jsonlines import to_bytes

_ROWS = 256
_BUFFER_BYTES = 1 << 20


def read_parquet(path: Path, text_column: str) -> Iterator[bytes]:
    """The text of each row, in order; memory holds a few pages of the column, however large the file and its row groups are.

    Raises:
        MissingExtraError: `pyarrow` is not installed.
        CorruptFileError: not a whole Parquet file, or a row without text.
        UsageError: the table has no column `text_column`.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise missing_extra("pyarrow", "train", "reading Parquet files") from error
    row = 0
    try:
        # Without these settings the reader keeps every row group that it has passed.
        with sentences(path), pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as table:
            names = table.schema_arrow.names
            if text_column not in names:
                raise UsageError(f"{path} has no column {text_column!r}: choose a text column among {', '.join(names)}")
            for group in range(table.num_row_groups):
                for batch in table.iter_batches(batch_size=_ROWS, row_groups=[group], columns=[text_column]):
                    for value in batch.column(0):
                        yield to_bytes(value.as_py(), f"{path}, row {row}, column {text_column!r}")
                        row += 1
    except pyarrow.ArrowException as error:
        raise CorruptFileError(
            f"{path} is not a whole Parquet file ({str(error).rstrip('.')}): fetch or write it again"
        ) from error
