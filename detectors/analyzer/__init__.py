"""Presidio's AnalyzerEngine over a spaCy pipeline, with a lean registry of recognizers that run in linear time."""
