"""The encoder: directed message passing over bonds, a readout over atoms, RDKit's descriptors joined in, K models behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from osler.blocks.dense import EnsembleLinear, ResidualBlock, smooth_clip
from osler.blocks.message_passing import DirectedMessages, Pool, Routes
from osler.contract import Encoded
from osler.core.state import State
from osler.modalities.molecules import gather as g
from osler.modalities.molecules.case import ATOM, BOND, DESCRIPTORS

USUAL = 25.0  # heavy atoms of a drug-like molecule: the unit of sums


class MoleculeEncoder(nn.Module):
    """Encodes molecules: `lift` gives floats (B, longest, 1), `forward` vectors (B, K, width).

    What is lifted says of each atom, then of each bond, how much of it is there, and then holds the scaled descriptors: zeros are no
    molecule at all with the training cases' usual descriptors, and from there an attribution goes. There is no
    normalisation over the batch: a molecule's vector does not depend on the others. The plan gives `width`, `steps` of messages, `readout`,
    `depth` and `members` of the dense part, `dropout`, `message_dropout`, whether `descriptors` are joined in, and `drop_descriptors`; the state
    `center` and `scale` (d,) of descriptors.
    """

    ragged = True  # what is lifted differs in length between cases

    def __init__(self, *, plan: Mapping[str, Any], state: State) -> None:
        super().__init__()
        self.channels: tuple[int, ...] = ()
        width, members = int(plan["width"]), int(plan["members"])
        self.width = width
        self.structure = Structure(plan=plan, usual=USUAL)
        self.register_buffer("center", torch.as_tensor(state.arrays["center"]).float(), persistent=False)
        self.register_buffer("scale", torch.as_tensor(state.arrays["scale"]).float(), persistent=False)
        told = len(self.center) if plan["descriptors"] else 0
        self.told, self.rate = told, float(plan["drop_descriptors"])
        self.dropout = nn.Dropout(float(plan["dropout"]))
        self.first = EnsembleLinear(width + told, width, members=members)
        blocks = [ResidualBlock(width, members=members, dropout=float(plan["dropout"])) for _ in range(int(plan["depth"]))]
        self.blocks = nn.ModuleList(blocks)

    center: Tensor
    scale: Tensor

    def lift(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, longest, 1): ones for the atoms and the bonds of each molecule, and its scaled descriptors; zeros behind them."""
        return _Layout(fields, told=self.told).laid(self._scaled(fields))

    def owners(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return (B, longest, 1) the explained feature of each lifted float: 0 of atoms and bonds, 1 of descriptors."""
        layout = _Layout(fields, told=self.told)
        lifted = layout.laid(self.center.new_full((len(layout.ends), self.told), 2.0))
        return (lifted > 1).long()

    def forward(self, lifted: Tensor, fields: Mapping[str, Tensor]) -> Encoded:
        """Return the vectors (B, K, width)."""
        if self.training:  # all is there
            found, told = self.structure(fields), self._scaled(fields)
        else:
            atoms, bonds, told = _Layout(fields, told=self.told).taken(lifted)
            found = self.structure(fields, atoms=atoms, bonds=bonds)
        x = self.dropout(found)
        if self.told:
            x = torch.cat([x, F.dropout(told, self.rate, self.training).to(x.dtype)], dim=1)
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return Encoded(x)

    def _scaled(self, fields: Mapping[str, Tensor]) -> Tensor:
        """Return the descriptors (B, told) in robust deviations from the usual, wild ones squeezed."""
        if not self.told:
            return self.center.new_zeros(len(fields[g.ATOM_STARTS]) - 1, 0)
        return smooth_clip((fields[DESCRIPTORS].to(self.center.dtype) - self.center) / self.scale)


class Structure(nn.Module):
    """From the flat graph of a batch to a vector (B, width) of each molecule's structure."""

    def __init__(self, *, plan: Mapping[str, Any], usual: float) -> None:
        super().__init__()
        width = int(plan["width"])
        self.atoms, self.bonds = Kinds(ATOM, width), Kinds(BOND, width)
        self.messages = DirectedMessages(width, steps=int(plan["steps"]), dropout=float(plan["message_dropout"]))
        self.heard = nn.LayerNorm(width)
        self.join, self.own = nn.Linear(width, width), nn.Linear(width, width)
        self.state = nn.LayerNorm(width)
        self.pool = Pool(width, how=plan["readout"], usual=usual)

    def forward(self, fields: Mapping[str, Tensor], *, atoms: Tensor | None = None, bonds: Tensor | None = None) -> Tensor:
        """Return (B, width). `atoms` (a, 1) and `bonds` (b, 1) say how much of each is there."""
        known = self.atoms(fields[g.ATOM_KINDS])  # (u, width): each distinct atom once
        joined = self.bonds(fields[g.BOND_KINDS]).index_select(0, fields[g.BEGINS_BOND])
        begins = F.relu(known.index_select(0, fields[g.BEGINS_ATOM]) + joined)  # (p, width): each distinct beginning once
        present = _of_bonds(fields, atoms, bonds)
        hidden = self.messages(
            begins, _routes(fields, g.FEEDS, g.FEEDS_STARTS, g.FED, g.FED_STARTS), kinds=alike(fields), present=present
        )
        said = self.heard(hidden) if present is None else self.heard(hidden) * present
        heard = into(fields).summed(said)
        states = self.state(F.relu(self.join(heard) + self.own(known).index_select(0, fields[g.ATOM_KIND])))
        pooled: Tensor = self.pool(states, within(fields), present=atoms)
        return pooled


class Kinds(nn.Module):
    """From lines of categories (u, f) uint8 to vectors (u, width): the sum of an embedding per category, then a linear map."""

    first: Tensor
    last: Tensor

    def __init__(self, sizes: Mapping[str, int], width: int) -> None:
        super().__init__()
        counts = torch.tensor(list(sizes.values()))
        self.register_buffer("first", counts.cumsum(0) - counts, persistent=False)
        self.register_buffer("last", counts - 1, persistent=False)
        self.table = nn.Parameter(torch.randn(int(counts.sum()), width) / math.sqrt(len(sizes)))
        self.mix = nn.Linear(width, width)

    def forward(self, lines: Tensor) -> Tensor:
        """Return (u, width); a number that no category has counts as the last one."""
        at = torch.minimum(lines.long(), self.last) + self.first
        vectors: Tensor = self.mix(self.table[at].sum(1))
        return vectors


class _Layout:
    """Where atoms, bonds and descriptors of each molecule of a batch stand in what is lifted (B, longest, 1)."""

    def __init__(self, fields: Mapping[str, Tensor], *, told: int) -> None:
        self.told = told
        self.atoms, self.bonds = (fields[name].long().diff() for name in (g.ATOM_STARTS, g.BOND_STARTS))
        self.owner = fields[g.MOLECULE].long()
        self.turn = torch.arange(len(self.owner), device=self.owner.device) - fields[g.ATOM_STARTS].long()[self.owner]
        self.of_bond = torch.repeat_interleave(torch.arange(len(self.bonds), device=self.bonds.device), self.bonds)
        turn = torch.arange(len(self.of_bond), device=self.bonds.device) - fields[g.BOND_STARTS].long()[self.of_bond]
        self.bond_turn = turn + self.atoms[self.of_bond]
        self.ends = self.atoms + self.bonds

    def laid(self, told: Tensor) -> Tensor:
        """Return (B, longest, 1) with all atoms and bonds there."""
        longest = int(self.ends.max()) + self.told if len(self.ends) else self.told
        lifted = told.new_zeros(len(self.ends), longest)
        lifted[self.owner, self.turn] = 1.0
        lifted[self.of_bond, self.bond_turn] = 1.0
        return lifted.scatter(1, self._places(), told)[..., None] if self.told else lifted[..., None]

    def taken(self, lifted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return how much of the atoms (a, 1) and of the bonds (b, 1) is there, and the descriptors (B, told)."""
        flat = lifted[..., 0]
        told = flat.gather(1, self._places()) if self.told else flat[:, :0]
        return flat[self.owner, self.turn][:, None], flat[self.of_bond, self.bond_turn][:, None], told

    def _places(self) -> Tensor:
        return self.ends[:, None] + torch.arange(self.told, device=self.ends.device)


def into(fields: Mapping[str, Tensor]) -> Routes:
    """Return the routes from directed bonds to the atoms in which they end."""
    target = fields[g.TARGET]
    return Routes(
        fields[g.INTO], fields[g.INTO_STARTS], target, torch.arange(len(target), dtype=target.dtype, device=target.device)
    )


def alike(fields: Mapping[str, Tensor]) -> Routes:
    """Return the routes from distinct beginnings to the directed bonds that begin so."""
    kind = fields[g.BEGINS]
    each = torch.arange(len(kind), dtype=kind.dtype, device=kind.device)
    return Routes(kind, each, fields[g.ALIKE], fields[g.ALIKE_STARTS])


def within(fields: Mapping[str, Tensor]) -> Routes:
    """Return the routes from atoms to their molecule."""
    owner = fields[g.MOLECULE]
    each = torch.arange(len(owner), dtype=owner.dtype, device=owner.device)
    return Routes(each, fields[g.ATOM_STARTS][:-1], owner, each)


def _routes(fields: Mapping[str, Tensor], *names: str) -> Routes:
    return Routes(*(fields[name] for name in names))


def _of_bonds(fields: Mapping[str, Tensor], atoms: Tensor | None, bonds: Tensor | None) -> Tensor | None:
    """Return (e, 1): a message is there as far as its bond and the atom that it comes from are."""
    if atoms is None or bonds is None:
        return None
    return atoms.index_select(0, fields[g.SOURCE]) * torch.cat([bonds, bonds])
