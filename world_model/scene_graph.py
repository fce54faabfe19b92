"""The scene network as a graph of arrays: what is exported, and what play runs for each keyframe.

| graph | inputs | outputs |
| --- | --- | --- |
| see | picture u8 [h, w, 3], slope [1] | rgba u8 [LAYERS, h, w, 4], relief [LAYERS, h / 8, w / 8] |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from world_model.scene import compose, hidden_pictures, parts_of

if TYPE_CHECKING:
    from world_model.scene_net import SceneNet

# Alphas that are neither 0 nor 1 are fog, which each keyframe adds to; a little decision costs nothing that is seen.
SHARPENED: Final = 1.3


class SeeGraph(nn.Module):
    """A picture as soft layers."""

    def __init__(self, scene_net: SceneNet, *, sharpened: float = SHARPENED) -> None:
        super().__init__()
        self.scene_net, self._sharpened = scene_net, sharpened

    def forward(self, picture: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        colours = picture.permute(2, 0, 1)[None].float() / 255.0
        raw = self.scene_net(colours, slope)
        parts = parts_of(raw._replace(alpha_logits=self._sharpened * raw.alpha_logits))
        scene = compose(colours, hidden_pictures(colours, raw.hidden, parts), parts)
        rgba = torch.cat([scene.colour, scene.alpha[:, :, None]], dim=2)[0].permute(0, 2, 3, 1)
        return (rgba.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8), scene.relief[0]
