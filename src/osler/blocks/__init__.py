"""Torch parts that modalities and tasks share."""
