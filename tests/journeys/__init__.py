"""Whole journeys through the command line, on real data."""
