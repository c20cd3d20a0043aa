"""The room of text: where bytes come from, how they are split, and the stream of examples that models train on.

| module | what it holds |
|---|---|
| `corpora` | `open_corpus`: any name, path or data set object becomes a `Corpus` |
| `corpus` | `Corpus`: documents that can be read again and again, streaming |
| `splits` | which documents or bytes are held out, where the source does not say |
| `paths` | files, folders and standard input |
| `compressed`, `plain`, `jsonlines`, `parquet`, `tables` | readers of single files |
| `rows` | Hugging Face `datasets` objects and documents in memory |
| `stdlib` | the corpus that every machine has |
| `named`, `hub` | data sets by name, from a folder or from the Hugging Face hub |
| `labelled`, `labelled_rows` | labelled examples: GLUE's tasks by name, and a user's own tables |
| `questions` | questions whose answers stand in a text, in SQuAD's format |
| `pipeline` | documents to shuffled examples of 10,240 symbols, with a position that can be saved |
"""
