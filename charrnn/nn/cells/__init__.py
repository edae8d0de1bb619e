"""Cells: one file each, opening with its equations."""

from charrnn.nn.cells.base import Cell, CellTape
from charrnn.nn.cells.gru import GRU
from charrnn.nn.cells.lstm import LSTM
from charrnn.nn.cells.rnn import RNN

__all__ = ["GRU", "LSTM", "RNN", "Cell", "CellTape"]
