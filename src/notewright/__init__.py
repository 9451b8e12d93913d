"""notewright learns how one reader turns highlights into Obsidian notes, and writes the notes for them."""

__version__ = "0.1.0"
