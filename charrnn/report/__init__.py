"""Consumers of training events: the terminal and metrics.jsonl."""

from charrnn.report.advice import Advice
from charrnn.report.console import Console
from charrnn.report.metrics import MetricsFile, SampleFile, Summary

__all__ = ["Advice", "Console", "MetricsFile", "SampleFile", "Summary"]
