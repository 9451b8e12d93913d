"""What was worked out from a library, kept in memory while it holds good: for processes that draft again and again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from . import Library

T = TypeVar("T")


class Memory(Generic[T]):
    """The last few results, by library and what they are about. Results are shared: do not change one."""

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, tuple[Hashable, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, library: Library, about: Hashable, stamp: Hashable, work: Callable[[], T]) -> T:
        """The kept result, or that of `work` where the `stamp` is another one. A stamp has to differ whenever what `work` reads does."""
        file = library.db.path.stat()  # another library may have come in the place of this one
        key, stamp = (library.home, about), (file.st_dev, file.st_ino, stamp)
        with self._lock:
            if key in self._held and self._held[key][0] == stamp:
                self._held.move_to_end(key)
                return self._held[key][1]
            result = work()
            if not library.db.connection.in_transaction:  # what is rolled back may leave its stamp to something else
                self._held[key] = stamp, result
                self._held.move_to_end(key)
                while len(self._held) > self._most:
                    self._held.popitem(last=False)
            return result

    def forget(self) -> None:
        with self._lock:
            self._held.clear()
