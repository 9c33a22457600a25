"""Files without the person: the basic profile of DICOM PS3.15 Annex E with its options, and other pictures' headers.

`choose` makes the options of names, `Key` what replaces identifiers, `kind_of` says what a file is, and `Kind.clean` writes
the file anew. What cannot be made clean raises `Uncleanable` and is not written.
"""

from osler.interop.deidentify.kinds import Kind, kind_of
from osler.interop.deidentify.options import CHOICES, Options, choose
from osler.interop.deidentify.outcome import Account, Uncleanable
from osler.interop.deidentify.pseudonym import Key, read_key

__all__ = ["CHOICES", "Account", "Key", "Kind", "Options", "Uncleanable", "choose", "kind_of", "read_key"]
