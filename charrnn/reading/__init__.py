"""What a network does while it reads: activations, and which units track what."""

from charrnn.reading.activations import QUANTITIES, Block, quantities, read
from charrnn.reading.features import Feature, features
from charrnn.reading.ranking import Ranked, Ranking, Series, auc
from charrnn.reading.rows import Row, rows_of

__all__ = [
    "QUANTITIES", "Block", "Feature", "Ranked", "Ranking", "Row", "Series", "auc", "features",
    "quantities", "read", "rows_of",
]  # fmt: skip
