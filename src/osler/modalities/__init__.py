"""Kinds of data; each fills the same rooms."""
