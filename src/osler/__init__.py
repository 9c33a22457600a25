"""Osler: from a table of medical data to a model that can be trusted."""
