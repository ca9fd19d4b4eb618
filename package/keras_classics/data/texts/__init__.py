"""Text: files, sentences, parallel text, labels of words, vocabularies, batches."""
