"""Numbered migrations, oldest first. Never change one that was released: add the next."""

MIGRATIONS: list[tuple[int, str]] = [
    (
        1,
        """
CREATE TABLE counters (prefix TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE sources (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, author TEXT NOT NULL, kind TEXT NOT NULL, app TEXT NOT NULL, url TEXT NOT NULL,
    readwise_url TEXT NOT NULL, asin TEXT NOT NULL, cover_url TEXT NOT NULL, summary TEXT NOT NULL, document_note TEXT NOT NULL,
    tags TEXT NOT NULL, imported_at TEXT NOT NULL, removed_at TEXT NOT NULL DEFAULT ''
);
CREATE TABLE source_ids (outside_id TEXT PRIMARY KEY, source_id TEXT NOT NULL REFERENCES sources(id)) WITHOUT ROWID;
CREATE INDEX source_ids_by_source ON source_ids(source_id);

CREATE TABLE highlights (
    id TEXT PRIMARY KEY, source_id TEXT NOT NULL REFERENCES sources(id), text TEXT NOT NULL, annotation TEXT NOT NULL, tags TEXT NOT NULL,
    location INTEGER, location_type TEXT NOT NULL, chapter TEXT NOT NULL, heading_level INTEGER NOT NULL, color TEXT NOT NULL,
    url TEXT NOT NULL, highlighted_at TEXT NOT NULL, updated_at TEXT NOT NULL, is_favorite INTEGER NOT NULL, is_discard INTEGER NOT NULL,
    position INTEGER NOT NULL, text_key TEXT NOT NULL, origins TEXT NOT NULL, imported_at TEXT NOT NULL,
    removed_at TEXT NOT NULL DEFAULT ''
);
CREATE INDEX highlights_by_source ON highlights(source_id);
CREATE TABLE highlight_ids (outside_id TEXT PRIMARY KEY, highlight_id TEXT NOT NULL REFERENCES highlights(id)) WITHOUT ROWID;
CREATE INDEX highlight_ids_by_highlight ON highlight_ids(highlight_id);

CREATE TABLE notes (
    id TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL, content_hash TEXT NOT NULL, properties TEXT NOT NULL,
    aliases TEXT NOT NULL, links TEXT NOT NULL, mtime_ns INTEGER NOT NULL, removed_at TEXT NOT NULL DEFAULT ''
);
CREATE TABLE passages (
    id TEXT NOT NULL, note_id TEXT NOT NULL REFERENCES notes(id), start INTEGER NOT NULL, "end" INTEGER NOT NULL, text TEXT NOT NULL,
    headings TEXT NOT NULL, PRIMARY KEY (note_id, id)
);

CREATE TABLE pairs (
    id TEXT PRIMARY KEY, source_id TEXT NOT NULL REFERENCES sources(id), note_id TEXT NOT NULL, note_path TEXT NOT NULL,
    passage_id TEXT NOT NULL, passage_start INTEGER NOT NULL, passage_end INTEGER NOT NULL, passage_text TEXT NOT NULL,
    headings TEXT NOT NULL, score REAL NOT NULL, method TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('proposed', 'accepted', 'rejected')), updated_at TEXT NOT NULL,
    UNIQUE (source_id, passage_id)
);
CREATE TABLE pair_links (
    pair_id TEXT NOT NULL REFERENCES pairs(id) ON DELETE CASCADE, highlight_id TEXT NOT NULL REFERENCES highlights(id),
    score REAL NOT NULL, method TEXT NOT NULL, evidence TEXT NOT NULL, PRIMARY KEY (pair_id, highlight_id)
) WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at TEXT NOT NULL, subject TEXT NOT NULL, payload TEXT NOT NULL
);
CREATE INDEX events_by_kind ON events(kind, id);
CREATE INDEX events_by_subject ON events(subject, id);
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_never_vanish BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TABLE datasets (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL, created_at TEXT NOT NULL, manifest TEXT NOT NULL
);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, method TEXT NOT NULL, path TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT NOT NULL, dataset_id TEXT NOT NULL,
    parent_model_id TEXT NOT NULL, recipe TEXT NOT NULL, metrics TEXT NOT NULL
);
CREATE TABLE models (
    id TEXT PRIMARY KEY, base TEXT NOT NULL, revision TEXT NOT NULL, adapter_path TEXT NOT NULL, role TEXT NOT NULL,
    created_at TEXT NOT NULL,
    run_id TEXT NOT NULL, parent_id TEXT NOT NULL, dataset_id TEXT NOT NULL, recipe TEXT NOT NULL, metrics TEXT NOT NULL
);
CREATE TABLE promotions (id INTEGER PRIMARY KEY, model_id TEXT NOT NULL REFERENCES models(id), at TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE drafts (
    id TEXT PRIMARY KEY, batch_id TEXT NOT NULL, source_id TEXT NOT NULL, chapter TEXT NOT NULL, model_id TEXT NOT NULL, text TEXT NOT NULL,
    position INTEGER NOT NULL, seed INTEGER NOT NULL, created_at TEXT NOT NULL, messages TEXT NOT NULL, sampling TEXT NOT NULL,
    problems TEXT NOT NULL, highlight_ids TEXT NOT NULL
);
CREATE INDEX drafts_by_batch ON drafts(batch_id, position);
""",
    ),
    (
        2,
        """
CREATE TABLE follows (
    insertion_id INTEGER PRIMARY KEY REFERENCES events(id), draft_id TEXT NOT NULL, vault TEXT NOT NULL, note_path TEXT NOT NULL,
    note BLOB NOT NULL, spans TEXT NOT NULL, note_hash TEXT NOT NULL, lead TEXT NOT NULL, text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('followed', 'deleted', 'missing', 'given up')), since TEXT NOT NULL,
    fresh_hash TEXT NOT NULL DEFAULT '', fresh_at TEXT NOT NULL DEFAULT ''
);
""",
    ),
    (
        3,
        """
-- How often anything that pairing looks at has changed, where that stood at the last pairing, and what each note's weighing found.
CREATE TABLE pairing (changes INTEGER NOT NULL, paired_at INTEGER NOT NULL, rules TEXT NOT NULL);
INSERT INTO pairing VALUES (0, -1, '');
CREATE TABLE pairing_memo (note_id TEXT PRIMARY KEY, signature TEXT NOT NULL, payload TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER sources_insert_counts AFTER INSERT ON sources BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER sources_delete_counts AFTER DELETE ON sources BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER sources_update_counts AFTER UPDATE ON sources
    WHEN (old.title, old.url, old.readwise_url, old.asin, old.removed_at)
    IS NOT (new.title, new.url, new.readwise_url, new.asin, new.removed_at)
    BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER highlights_insert_counts AFTER INSERT ON highlights BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER highlights_delete_counts AFTER DELETE ON highlights BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER highlights_update_counts AFTER UPDATE ON highlights
    WHEN (old.source_id, old.text, old.annotation, old.chapter, old.heading_level,
        old.location, old.location_type, old.url, old.position, old.removed_at)
    IS NOT (new.source_id, new.text, new.annotation, new.chapter, new.heading_level,
        new.location, new.location_type, new.url, new.position, new.removed_at)
    BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER notes_insert_counts AFTER INSERT ON notes BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER notes_delete_counts AFTER DELETE ON notes BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER notes_update_counts AFTER UPDATE ON notes
    WHEN (old.path, old.title, old.content_hash, old.properties, old.aliases,
        old.links, old.removed_at)
    IS NOT (new.path, new.title, new.content_hash, new.properties, new.aliases,
        new.links, new.removed_at)
    BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER passages_insert_counts AFTER INSERT ON passages BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER passages_delete_counts AFTER DELETE ON passages BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER passages_update_counts AFTER UPDATE ON passages
    WHEN (old.id, old.note_id, old.start, old."end", old.text,
        old.headings)
    IS NOT (new.id, new.note_id, new.start, new."end", new.text,
        new.headings)
    BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER pairs_insert_counts AFTER INSERT ON pairs BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER pairs_delete_counts AFTER DELETE ON pairs BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER pairs_update_counts AFTER UPDATE ON pairs
    WHEN (old.status, old.passage_id)
    IS NOT (new.status, new.passage_id)
    BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER source_ids_insert_counts AFTER INSERT ON source_ids BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER source_ids_delete_counts AFTER DELETE ON source_ids BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER source_ids_update_counts AFTER UPDATE ON source_ids
    WHEN old.source_id IS NOT new.source_id
    BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER highlight_ids_insert_counts AFTER INSERT ON highlight_ids BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER highlight_ids_delete_counts AFTER DELETE ON highlight_ids BEGIN UPDATE pairing SET changes = changes + 1; END;
CREATE TRIGGER highlight_ids_update_counts AFTER UPDATE ON highlight_ids
    WHEN old.highlight_id IS NOT new.highlight_id
    BEGIN UPDATE pairing SET changes = changes + 1; END;
""",
    ),
    (
        4,
        """
ALTER TABLE drafts ADD COLUMN shown INTEGER NOT NULL DEFAULT 1;
CREATE TABLE measures (subject TEXT PRIMARY KEY, version INTEGER NOT NULL, "values" TEXT NOT NULL) WITHOUT ROWID;
""",
    ),
    (6, "ALTER TABLE drafts ADD COLUMN findings TEXT NOT NULL DEFAULT '[]';"),
    (
        8,
        """
CREATE TABLE editors (client TEXT PRIMARY KEY, vault TEXT NOT NULL, open TEXT NOT NULL, seen_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, client TEXT NOT NULL, draft_id TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, made_at TEXT NOT NULL
);
CREATE INDEX orders_by_client ON orders (client, state);
""",
    ),
    (9, "ALTER TABLE promotions ADD COLUMN prompting TEXT;"),  # NULL: made before this column was
    (10, "ALTER TABLE passages ADD COLUMN lead TEXT NOT NULL DEFAULT '';"),
    (11, "CREATE INDEX events_by_time ON events(at);"),  # ties by id, as every index ends with it
    (
        12,
        """
-- The notes as they were when the vault was last looked at for followed passages; and for each insertion the notes that had its text
-- (or much of it) while it still stood in its own, so that none of them is taken for the one it went to. A row with the path '' says that
-- they are known for the whole vault.
CREATE TABLE looked (vault TEXT NOT NULL, path TEXT NOT NULL, stamp TEXT NOT NULL, PRIMARY KEY (vault, path)) WITHOUT ROWID;
CREATE TABLE copies (insertion_id INTEGER NOT NULL, path TEXT NOT NULL, note BLOB NOT NULL, PRIMARY KEY (insertion_id, path)) WITHOUT ROWID;
""",
    ),
    (
        13,
        """
-- Another number whenever anything that examples are made of has changed; none that counts, which a restored copy would come to again.
CREATE TABLE material (changes INTEGER NOT NULL);
INSERT INTO material VALUES (random());
"""
        + "\n".join(
            f"CREATE TRIGGER {table}_{action}_is_material AFTER {action} ON {table} BEGIN UPDATE material SET changes = random(); END;"
            for table in ("sources", "source_ids", "highlights", "highlight_ids", "passages", "pairs", "pair_links")
            for action in ("insert", "update", "delete")
        ),
    ),
    (
        14,
        """
-- Batches that were prepared ahead and that nobody has seen or judged yet.
CREATE TABLE unseen (batch_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TRIGGER what_is_judged_was_seen AFTER INSERT ON events WHEN EXISTS (SELECT 1 FROM unseen) BEGIN
    DELETE FROM unseen WHERE batch_id=new.subject OR batch_id=(SELECT batch_id FROM drafts WHERE id=new.subject);
END;
""",
    ),
    (
        15,
        """
ALTER TABLE events ADD COLUMN request TEXT; -- the key of the request that told it, where that had one
CREATE UNIQUE INDEX events_by_request ON events (request) WHERE request IS NOT NULL;
""",
    ),
    (
        16,
        """
-- Sources and highlights that the person removed, as the events of the kind `source` come to; and what is there without them.
CREATE TABLE hidden (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIEW live_sources AS SELECT * FROM sources WHERE removed_at='' AND id NOT IN (SELECT id FROM hidden);
CREATE VIEW live_highlights AS SELECT * FROM highlights
    WHERE removed_at='' AND source_id NOT IN (SELECT id FROM hidden) AND id NOT IN (SELECT id FROM hidden);
CREATE VIEW live_pairs AS SELECT * FROM pairs WHERE source_id NOT IN (SELECT id FROM hidden);
CREATE VIEW live_drafts AS SELECT rowid AS place, * FROM drafts WHERE source_id NOT IN (SELECT id FROM hidden);
"""
        + "\n".join(
            f"CREATE TRIGGER hidden_{action}_counts AFTER {action} ON hidden BEGIN UPDATE pairing SET changes = changes + 1;"
            " UPDATE material SET changes = random(); END;"
            for action in ("insert", "delete")
        ),
    ),
]
