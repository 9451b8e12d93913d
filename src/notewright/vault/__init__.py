"""The person's Obsidian vault: the only package that touches the bytes of their notes.

    config    the vault's own settings: attachment folder, link style, where Readwise exports land
    files     which files are the person's notes
    index     what links and embeds can mean: files, headings, block ids
    tokens    bytes -> tokens whose spans join up to exactly those bytes (kinds: what there are; blocks and inline do the work)
    views     one token's text -> its parts: link, image, callout, fence
    outline   tokens -> lines and headings with byte spans
    notes     bytes -> title, properties, links, and passages with exact byte spans
    passages  a note's sections and blocks, with ids that last while their words do
    resolve   what a link or embed means: a file of the vault, a section, a block
    render    a note -> safe HTML as the reading view has it (compose, parsing, parts, sanitise); page: the same as a file
    looking   one note, or one picture, as it stands on the disk now
    trace     where a passage stands in a note that has changed since
    follow    where it stands, given the whole note as it was
    watch     changed notes, and passages found again in other ones
    protect   parts that a model must not touch, hidden behind placeholders
    repair    a draft's links and assets, set right where there is one way to
    write     one span into one note, atomically, with a backup and an undo
    places    where a note may stand: inside the vault, under a name that works everywhere
    atomic    whole files, old or new; backups
    write     one span into one note, with a backup and an undo
    templates note templates of the vault and of the home
    links     where a note leads: the targets of its links, embeds and addresses
    rows      the lines of a draft, as its checks need them
    given     what a draft may draw on
    strays    links and assets of a draft that lead nowhere
    tags      tags of a note, and those of a draft that nobody has used before
    marks     marks of a draft without their partner
    loops     a draft that goes in circles
    lint      what is wrong with a drafted section, in words

Work is on bytes throughout; a note is never rendered back from a parse.
"""

from .config import VaultConfig, read_config
from .files import NoteFile, iterate_notes, locate, was_taken_out
from .follow import ENOUGH, Followed, Spans, blanked, follow, is_ahead, passage_text, stood, tidy
from .index import NoteFacts, VaultIndex, build_index
from .lint import find_problems
from .looking import OpenNote, look, picture
from .notes import ParsedNote, parse_note
from .outline import read_outline
from .page import find_note, page, preview_note, preview_text
from .passages import Part, read_parts
from .places import named
from .protect import Protection
from .render import Preview, render
from .repair import Repaired, repair_draft
from .resolve import Resolver, VaultFiles
from .standing import Known
from .strays import Allowed, Stray, strays
from .tags import bearing, tags_of
from .templates import Template, all_templates, get_template, save_template
from .tokens import KINDS, Token, tokenize, tokenize_inline
from .trace import Traced, trace
from .watch import Sought, changes, folded, is_readable, read_note
from .write import ELSEWHERE, Insertion, Plan, Seen, Undone, insert, place, plan, recognise, state, under_its_name, undo, without, written

__all__ = [
    "Allowed",
    "ELSEWHERE",
    "ENOUGH",
    "Followed",
    "Insertion",
    "KINDS",
    "Known",
    "NoteFacts",
    "NoteFile",
    "OpenNote",
    "ParsedNote",
    "Part",
    "Plan",
    "Preview",
    "Protection",
    "Repaired",
    "Resolver",
    "Seen",
    "Sought",
    "Spans",
    "Stray",
    "Template",
    "Token",
    "Traced",
    "Undone",
    "VaultConfig",
    "VaultFiles",
    "VaultIndex",
    "all_templates",
    "bearing",
    "blanked",
    "build_index",
    "changes",
    "find_note",
    "find_problems",
    "folded",
    "follow",
    "get_template",
    "insert",
    "is_ahead",
    "is_readable",
    "iterate_notes",
    "locate",
    "look",
    "named",
    "page",
    "parse_note",
    "passage_text",
    "picture",
    "place",
    "plan",
    "preview_note",
    "preview_text",
    "read_config",
    "read_note",
    "read_outline",
    "read_parts",
    "recognise",
    "render",
    "repair_draft",
    "save_template",
    "state",
    "stood",
    "strays",
    "tags_of",
    "tidy",
    "tokenize",
    "tokenize_inline",
    "trace",
    "under_its_name",
    "undo",
    "was_taken_out",
    "without",
    "written",
]
