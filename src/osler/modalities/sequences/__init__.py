"""Sequences: DNA, RNA and proteins, in letters."""
