"""From files to batches: vocabulary, encodings, corpus, loaders with a saveable cursor."""
