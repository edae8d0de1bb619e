"""Killing runs at random instants and comparing what they come to."""
