"""Letters as outlines in a box of 100 × 100, drawn for this: stretched to any height they keep their width, as logos want it."""

from __future__ import annotations

OUTLINES = {
    "A": "M0 100L38 0H62L100 100H79L71 76H29L21 100ZM35 59H65L50 17Z",
    "C": "M97 67C93 89 76 100 52 100C20 100 0 80 0 50C0 20 20 0 52 0C76 0 92 11 96 31H75C72 21 65 16 52 16C32 16 20 29 20 50"
    "C20 71 32 84 52 84C65 84 73 78 76 67Z",
    "D": "M0 0H46C80 0 100 18 100 50C100 82 80 100 46 100H0ZM20 16V84H45C68 84 79 72 79 50C79 28 68 16 45 16Z",
    "E": "M0 0H98V16H20V41H90V57H20V84H100V100H0Z",
    "F": "M0 0H100V16H20V42H88V58H20V100H0Z",
    "G": "M52 100C20 100 0 80 0 50C0 20 20 0 52 0C76 0 92 10 96 29H75C71 20 64 16 52 16C32 16 20 29 20 50C20 71 32 84 52 84"
    "C66 84 76 78 79 65H54V49H99V100H85L82 88C75 96 65 100 52 100Z",
    "H": "M0 0H20V40H80V0H100V100H80V57H20V100H0Z",
    "I": "M38 0H62V100H38Z",
    "K": "M0 0H20V42L74 0H100L46 42L100 100H74L32 53L20 62V100H0Z",
    "L": "M0 0H20V84H100V100H0Z",
    "M": "M0 0H26L50 66L74 0H100V100H82V24L57 92H43L18 24V100H0Z",
    "N": "M0 0H24L80 72V0H100V100H76L20 28V100H0Z",
    "P": "M0 0H56C84 0 100 11 100 31C100 51 84 62 56 62H20V100H0ZM20 16V46H55C71 46 79 41 79 31C79 21 71 16 55 16Z",
    "Q": "M50 0C81 0 100 19 100 50C100 63 97 74 91 82L100 90L89 100L79 92C71 97 61 100 50 100C19 100 0 81 0 50C0 19 19 0 50 0Z"
    "M50 16C31 16 20 29 20 50C20 71 31 84 50 84C55 84 60 83 64 81L53 72L64 61L76 71C79 65 80 58 80 50C80 29 69 16 50 16Z",
    "R": "M0 0H58C85 0 99 10 99 29C99 43 91 52 77 56L100 100H77L56 58H20V100H0ZM20 16V43H57C71 43 78 38 78 29C78 21 71 16 57 16Z",
    "S": "M97 28H76C74 19 66 15 51 15C34 15 26 20 26 28C26 36 34 39 54 43C82 48 100 55 100 73C100 91 81 100 50 100C20 100 3 90 0 69"
    "H21C24 80 33 85 51 85C69 85 79 81 79 73C79 64 69 61 48 57C20 52 5 45 5 28C5 10 23 0 51 0C79 0 95 9 97 28Z",
    "T": "M0 0H100V17H60V100H40V17H0Z",
    "U": "M0 0H20V62C20 77 31 84 50 84C69 84 80 77 80 62V0H100V62C100 88 80 100 50 100C20 100 0 88 0 62Z",
    "V": "M0 0H22L50 78L78 0H100L60 100H40Z",
    "W": "M0 0H18L31 74L42 6H58L69 74L82 0H100L80 100H61L50 34L39 100H20Z",
    "Y": "M0 0H23L50 42L77 0H100L60 60V100H40V60Z",
}  # fmt: skip

# the field's colours: those of sequencing traces, and of amino acids by their chemistry (as WebLogo, Crooks 2004)
_NUCLEOTIDE = {"A": "#109648", "C": "#255c99", "G": "#f7931d", "T": "#d62839", "U": "#d62839"}
_CHEMISTRY = (("GSTYC", "#109648"), ("NQ", "#7b3294"), ("KRH", "#255c99"), ("DE", "#d62839"), ("AVLIPWFM", "currentColor"))
_AMINO = {letter: colour for group, colour in _CHEMISTRY for letter in group}

LETTERS = {"dna": "ACGT", "rna": "ACGU", "protein": "ACDEFGHIKLMNPQRSTVWY"}


def colour(letter: str, alphabet: str) -> str:
    """Return the colour of a letter of "dna", "rna" or "protein"."""
    return (_AMINO if alphabet == "protein" else _NUCLEOTIDE)[letter]


def glyph(letter: str, *, alphabet: str, left: float, top: float, wide: float, high: float) -> str:
    """Return a path that fills a box with a letter, in the drawing's own units."""
    move = f"matrix({wide / 100:.4g} 0 0 {high / 100:.4g} {left:.2f} {top:.2f})"
    return f'<path d="{OUTLINES[letter]}" transform="{move}" fill="{colour(letter, alphabet)}" fill-rule="evenodd"/>'
