"""Planted models in a folder, so that an audit can be run again without training them again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from planted.faults import FAULTS, Planted, Site
from planted.training import Recipe


def planted_at(folder: Path, site: Site, fault: str) -> Planted:
    """The planted model of a site, from its file in the folder or else trained and written."""
    file = folder / f"{site.recipe.architecture}-{site.recipe.seed}-{fault}.pt"
    if file.exists():
        held = torch.load(file, weights_only=True)
        return Planted(**{**held, "recipe": Recipe(**held["recipe"])})
    planted = FAULTS[fault](site.fresh(fault))
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({**vars(planted), "recipe": asdict(planted.recipe)}, file)
    return planted
