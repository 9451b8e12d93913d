"""A key-value cache that grows in place."""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer


class RoomyLayer(DynamicLayer):
    """A cache layer with room to grow: transformers' own copies all keys and values at every token."""

    ROOM = 256

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states, value_states
            self._space: tuple[torch.Tensor, torch.Tensor] | None = None
            return self.keys, self.values
        assert self.keys is not None
        assert self.values is not None
        old, end = self.keys.shape[2], self.keys.shape[2] + key_states.shape[2]
        if self._space is None or self._space[0].shape[2] < end:
            self._space = (self._roomy(self.keys, end), self._roomy(self.values, end))
        keys, values = self._space
        keys[:, :, old:end], values[:, :, old:end] = key_states, value_states
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        return self.keys, self.values

    def _roomy(self, states: torch.Tensor, end: int) -> torch.Tensor:
        rows, heads, length, width = states.shape
        space = states.new_empty(rows, heads, end + self.ROOM, width)
        space[:, :, :length] = states
        return space

    def batch_repeat_interleave(self, repeats: int) -> None:
        super().batch_repeat_interleave(repeats)
        self._space = None

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        super().batch_select_indices(indices)
        self._space = None

    def select_places(self, places: torch.Tensor) -> None:
        """Keep these places of each row, (rows, places)."""
        assert self.keys is not None
        assert self.values is not None
        index = places[:, None, :, None].expand(-1, self.keys.shape[1], -1, self.keys.shape[3])
        self.keys, self.values, self._space = self.keys.gather(2, index), self.values.gather(2, index), None


def roomy_cache(config: Any) -> DynamicCache:
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def can_share(config: Any) -> bool:
    """Whether what was read of a prompt can be handed to several drafts: the state of recurrent layers cannot."""
    return all(hasattr(layer, "batch_repeat_interleave") for layer in roomy_cache(config).layers)


def remembers_all(cache: DynamicCache) -> bool:
    """Whether no layer forgets places (sliding windows do)."""
    return all(isinstance(layer, RoomyLayer) for layer in cache.layers)
