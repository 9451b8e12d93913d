"""How a model is asked for a note: at once where it has room for it, else in parts that are put together.

way_of(writer, messages)      what is asked, one prompt after the other, with as many of the prompt's examples as have room
put_together(pieces)          one note of what was written; join(texts) of the texts alone, as they grow
"""

from .joining import join
from .parts import Part, Way, put_together, way_of

__all__ = ["Part", "Way", "join", "put_together", "way_of"]
