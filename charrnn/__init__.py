"""charrnn: character-level RNN, LSTM and GRU language models, their gradients derived and proved."""

__version__ = "0.1.0"
