"""charrnn: character-level RNN, LSTM and GRU language models with proved gradients."""

__version__ = "0.1.0"
