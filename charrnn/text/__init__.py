"""The tokenizer: text to one-hot ids and back."""

from charrnn.text.vocabulary import Unit, Vocabulary

__all__ = ["Unit", "Vocabulary"]
