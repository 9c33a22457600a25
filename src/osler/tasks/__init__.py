"""Kinds of target."""
