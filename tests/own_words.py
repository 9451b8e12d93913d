"""A person who does not copy: English highlights, and finished notes that say them in German, or in other English words.

Eight sources of three chapters. How a note points at its source, what its headings are called and what else stands in it differ from
source to source, as they do in a vault.
"""

from __future__ import annotations

from dataclasses import dataclass

from notewright.library import Library
from notewright.records import Highlight, Source
from notewright.vault.notes import parse_note


@dataclass(frozen=True)
class Chapter:
    """`said` are highlights with their pages; `german` and `english` the finished section without its heading."""

    title: str
    german_title: str
    said: tuple[tuple[str, int], ...]
    german: str
    english: str


@dataclass(frozen=True)
class Book:
    """`note` is the German note's name; `top` what stands above its first section; `headings`: "same" (the chapter's own), "own" or ""."""

    title: str
    author: str
    kind: str
    note: str
    top: str
    headings: str
    chapters: tuple[Chapter, ...]


BOOKS = (
    Book(
        "The Slow River Handbook", "Ada Lindqvist", "book", "The Slow River Handbook",
        "---\ntags: [bücher/flüsse]\n---\n# The Slow River Handbook\n\n", "same",
        (
            Chapter("Straight Lines", "Gerade Linien", (
                ("Between 1890 and 1935 the engineers of the Varde district removed 41 bends from a river that had 58.", 12),
                ("A straight river is an argument that has not met its flood yet.", 14),
            ),
                "- **Begradigung:** Von 1890 bis 1935 haben die Ingenieure im Bezirk Varde 41 von 58 Schleifen beseitigt.\n"
                "- Ein begradigter Fluss ist nur eine Behauptung, die ihr Hochwasser noch vor sich hat.\n",
                "- **Straightening:** from 1890 until 1935 planners around Varde did away with 41 of its 58 curves.\n"
                "- Making water run in a line is a claim nobody has tested against high water.\n",
            ),
            Chapter("Wood", "Holz", (
                ("A single fallen alder can hold back forty tonnes of gravel. Take it out and the gravel leaves within one winter.", 34),
            ),
                "- **Totholz:** Schon eine umgestürzte Erle hält 40 Tonnen Kies fest; räumt man sie weg, ist er nach einem Winter fort.\n",
                "- **Dead wood:** one toppled tree is enough to keep 40 t of stones where they are; clear it and a cold season later they"
                " have gone.\n",
            ),
            Chapter("Costs", "Kosten", (
                ("Restoring one kilometre cost 1,250,000 kroner in 2004, which was 3.5 percent of the district's budget.", 51),
                ("The maintenance of the old channel had cost twice as much every decade.", 52),
            ),
                "- Ein Kilometer Renaturierung kostete 2004 rund 1.250.000 Kronen (3,5 % des Haushalts).\n"
                "- Der Unterhalt des alten Bettes verschlang alle zehn Jahre das Doppelte. #flüsse\n",
                "- Putting a kilometre back took 1.25 million kroner in 2004, some 3.5 % of what the place had to spend.\n"
                "- Looking after what was there before would have been double that every ten years. #rivers\n",
            ),
        ),
    ),
    Book(
        "On the Origin of Habits", "Miriam Okafor", "book", "Gewohnheiten (Okafor)",
        "# Gewohnheiten\n\nQuelle: [[On the Origin of Habits]]\n\n", "own",
        (
            Chapter("Darwin's Walks", "Darwins Spaziergänge", (
                ("Darwin walked the Sandwalk at Down House three times a day, kicking a flint away at every turn to count the laps.", 8),
                ("The walk was not a rest from the work; Darwin's best questions came on it.", 9),
            ),
                "Darwins Runden auf dem Sandwalk von Down House: dreimal täglich, und bei jeder Runde stieß er einen Feuerstein weg, um"
                " mitzuzählen. Das Gehen war keine Pause von der Arbeit, denn dabei fielen ihm die besten Fragen ein.\n",
                "Three times daily round the Sandwalk at Down House, a stone pushed aside for each circuit so that none was forgotten."
                " Strolling belonged to thinking: what he later asked occurred to him there.\n",
            ),
            Chapter("Cues", "Auslöser", (
                ("A habit is tied to a place before it is tied to an intention.", 23),
            ),
                "Eine Gewohnheit hängt zuerst am Ort und erst danach am Vorsatz.\n",
                "Where we are starts a routine long ahead of what we mean to do.\n",
            ),
            Chapter("Relapse", "Rückfall", (
                ("Of 212 smokers who moved to another town, 36% had stopped a year later; of those who stayed, 9%.", 61),
                ("Willpower explains almost none of the difference between the two groups.", 62),
            ),
                "Von 212 Rauchern, die umzogen, waren nach einem Jahr 36 % rauchfrei, von den anderen nur 9 %. Willenskraft erklärt"
                " diesen Unterschied kaum.\n",
                "Among 212 people who changed towns, 36 % no longer lit up twelve months on, against 9 % elsewhere. Discipline hardly"
                " accounts for that.\n",
            ),
        ),
    ),
    Book(
        "A Field Guide to Error", "Jonas Feld", "book", "Fehler",
        "# Fehler\n\n![[fehler-skizze.png]]\n\nZu: [[Readwise/Books/A Field Guide to Error|Felds Buch]]\n\n", "same",
        (
            Chapter("Slips and Mistakes", "Patzer und Irrtümer", (
                ("A slip is the right plan carried out wrongly. A mistake is the wrong plan carried out well.", 17),
            ),
                "> A slip is the right plan carried out wrongly. A mistake is the wrong plan carried out well.\n\n"
                "Also: beim Patzer stimmt die Absicht, beim Irrtum die Ausführung.\n",
                "> A slip is the right plan carried out wrongly. A mistake is the wrong plan carried out well.\n\n"
                "So the first fails in the hands and the second in the head.\n",
            ),
            Chapter("Checklists", "Checklisten", (
                ("After the hospital introduced a checklist of 19 items, deaths fell from 1.5 to 0.8 percent.", 40),
                ("The list works because it gives the youngest nurse permission to stop the surgeon.", 41),
            ),
                "Mit einer Liste von 19 Punkten sank die Sterblichkeit im Krankenhaus von 1,5 auf 0,8 Prozent. Sie wirkt, weil selbst die"
                " jüngste Pflegerin den Chirurgen anhalten darf.\n",
                "Nineteen points on paper brought mortality at that clinic down from 1.5 % to 0.8 %. What makes it effective: even a junior"
                " may halt whoever operates.\n",
            ),
            Chapter("Blame", "Schuld", (
                ("Where people are punished for errors, errors are not reported; where they are not reported, they are repeated.", 77),
            ),
                "Wer Fehler bestraft, erfährt nichts mehr von ihnen – und was niemand meldet, geschieht wieder.\n",
                "Sanctions make staff go silent, and whatever goes unmentioned happens again.\n",
            ),
        ),
    ),
    Book(
        "How Cities Remember", "Lucía Benavides", "article", "Wie Städte sich erinnern",
        "---\nquelle: https://www.example.org/essays/how-cities-remember\n---\n# Wie Städte sich erinnern\n\n", "own",
        (
            Chapter("Street Names", "Straßennamen", (
                ("On October 3, 1951, Halden renamed 114 streets in one afternoon, and the postmen kept using the old names for 20 years.",
                 1),
            ),
                "Am 3. Oktober 1951 benannte Halden 114 Straßen an einem Nachmittag um; die Briefträger blieben 20 Jahre lang bei den alten"
                " Namen.\n",
                "Halden gave 114 of its roads another label on 3 October 1951, all in hours; whoever brought the mail ignored that for"
                " two decades.\n",
            ),
            Chapter("Fires", "Brände", (
                ("Most of what we call an old town was built within thirty years after a fire.", 2),
                ("The fire of 1794 destroyed 943 houses and left the parliament's archive untouched.", 3),
            ),
                "Was „Altstadt“ heißt, ist meist binnen 30 Jahren nach einem Brand entstanden. 1794 verbrannten 943 Häuser, das Archiv des"
                " Parlaments blieb heil.\n",
                "Historic quarters tend to date from the three decades following some blaze. In 1794, 943 homes were lost while the"
                " records of the assembly survived.\n",
            ),
            Chapter("Monuments", "Denkmäler", (
                ("A monument is what a city builds so that it may forget.", 4),
            ),
                "„Ein Denkmal baut eine Stadt, um vergessen zu dürfen“ – so Benavides sinngemäß.\n",
                "Putting up a statue is permission to stop thinking of someone.\n",
            ),
        ),
    ),
    Book(
        "Measuring Sleep", "Hana Sato", "article", "Measuring Sleep",
        "# Measuring Sleep\n\n", "",
        (
            Chapter("Night One", "Erste Nacht", (
                ("People sleep worse during their first night in a laboratory, so that night is thrown away.", 1),
            ),
                "- Im Labor schläft man in der ersten Nacht schlechter, weshalb sie nicht gewertet wird. (S. 1)\n",
                "- Nobody rests properly when wired up for the first time, which is why those data are discarded. (p. 1)\n",
            ),
            Chapter("Debt", "Schlafschuld", (
                ("Sleep debt follows roughly $d = n (8 - h)$, where h is the mean of n nights.", 5),
                ("Two nights of ten hours do not repay it.", 6),
            ),
                "- Schlafschuld: $d = n (8 - h)$, mit h als Mittel über n Nächte. (S. 5)\n"
                "- Zweimal zehn Stunden gleichen das nicht aus. (S. 6)\n",
                "- What one owes: $d = n (8 - h)$, h being an average. (p. 5)\n- A long weekend in bed will not settle it. (p. 6)\n",
            ),
            Chapter("Light", "Licht", (
                ("Morning light of 10,000 lux for 30 minutes shifted the rhythm by 1.2 hours.", 9),
            ),
                "- 30 Minuten Morgenlicht mit 10.000 Lux verschieben den Rhythmus um 1,2 Stunden. (S. 9)\n",
                "- Half an hour at 10,000 lux after getting up moves the body clock 1.2 h. (p. 9)\n",
            ),
        ),
    ),
    Book(
        "The Quiet Factory", "Tomasz Wierzba", "book", "Die leise Fabrik",
        "# Die leise Fabrik\n\n[The Quiet Factory](https://www.example.org/books/the-quiet-factory)\n\n", "own",
        (
            Chapter("Noise", "Lärm", (
                ("Noise is the only waste that leaves the factory with the workers.", 11),
            ),
                "Lärm ist der einzige Abfall, den die Arbeiter nach Hause tragen.\n",
                "Of all that a plant throws off, sound alone goes home in people's ears.\n",
            ),
            Chapter("Bearings", "Lager", (
                ("Replacing 6 bearings lowered the hall from 94 to 81 decibels and saved 12,000 euros of electricity a year.", 30),
                ("Nobody had ever asked the machinists which machine was the loudest.", 31),
            ),
                "Mit 6 neuen Lagern fiel der Pegel in der Halle von 94 auf 81 Dezibel; das spart 12.000 Euro Strom im Jahr. Die"
                " Maschinisten hatte vorher nie jemand gefragt, welche Maschine die lauteste ist.\n",
                "New parts in 6 places took the level indoors from 94 dB to 81 dB, with 12,000 € less for power annually. Those who ran"
                " them knew the worst offender all along, had someone inquired.\n",
            ),
            Chapter("Trust", "Vertrauen", (
                ("Wierzba's rule: measure only what you are willing to change this week.", 70),
            ),
                "Wierzbas Regel: nur messen, was man noch in dieser Woche ändern will.\n",
                "His advice is to gauge nothing that you would not act on within days.\n",
            ),
        ),
    ),
    Book(
        "Letters from a Lighthouse", "Edith Marrow", "book", "Letters from a Lighthouse",
        "# Letters from a Lighthouse\n\n", "same",
        (
            Chapter("Winter", "Winter", (
                ("In January the boat did not come for 23 days, and we burned the piano last.", 5),
            ),
                "Im Januar blieb das Boot 23 Tage aus; als Letztes wurde das Klavier verheizt.\n",
                "For 23 days no supplies arrived; the instrument went into the stove after everything else.\n",
            ),
            Chapter("Birds", "Vögel", (
                ("The keeper counted 3,400 starlings dead at the foot of the tower after one foggy night.", 18),
                ("He wrote the number in the log without a word beside it.", 19),
            ),
                "Nach einer einzigen Nebelnacht zählte der Wärter 3400 tote Stare am Fuß des Turms. Im Logbuch steht nur die Zahl, ohne"
                " ein Wort dazu.\n",
                "Fog brought down 3400 birds in hours, found below at dawn. What he put on the page was a figure and nothing more.\n",
            ),
            Chapter("Leaving", "Abschied", (
                ("An automatic light needs no one to be afraid for it.", 44),
            ),
                "Um ein Licht, das von selbst brennt, muss niemand bangen.\n",
                "Nobody worries about a lamp that looks after itself.\n",
            ),
        ),
    ),
    Book(
        "What Bread Knows", "Paul Arrieta", "book", "Über Brot",
        "# Über Brot\n\n", "own",
        (
            Chapter("Time", "Zeit", (
                ("Dough that rests for 18 hours at 5 degrees needs a third of the yeast.", 7),
            ),
                "Teig, der 18 Stunden bei 5 Grad ruht, kommt mit einem Drittel der Hefe aus.\n",
                "Leave it 18 h at 5 °C and you can do with far less leavening.\n",
            ),
            Chapter("Salt", "Salz", (
                ("Salt does not flavour bread so much as slow it down.", 15),
                ("At 2 percent the crumb tightens; at 3 percent the fermentation nearly stops.", 16),
            ),
                "Salz würzt das Brot weniger, als dass es den Teig bremst: bei 2 % wird die Krume fester, bei 3 % gärt kaum noch etwas.\n",
                "It is a brake rather than a spice: with 2 % you get a firmer inside, with 3 % hardly anything rises.\n",
            ),
            Chapter("Crust", "Kruste", (
                ("The crust is where the loaf stops being dough and starts being a memory of fire.", 29),
            ),
                "In der Kruste hört das Brot auf, Teig zu sein, und erinnert sich ans Feuer.\n",
                "Outside, baking has left its mark; within, it is still what was kneaded.\n",
            ),
        ),
    ),
)  # fmt: skip
ADDRESSES = {
    "How Cities Remember": "https://www.example.org/essays/how-cities-remember",
    "The Quiet Factory": "https://www.example.org/books/the-quiet-factory",
}


def sources() -> list[Source]:
    found = []
    for number, book in enumerate(BOOKS, 1):
        highlights: list[Highlight] = []
        for at, chapter in enumerate(book.chapters):
            mark = Highlight(
                chapter.title,
                location=chapter.said[0][1] - 1,
                location_type="page",
                heading_level=1,
                outside_ids=(f"readwise:9{number}{at}0",),
            )
            highlights.append(mark)
            highlights += [
                Highlight(text, location=page, location_type="page", outside_ids=(f"readwise:{number}{at}{place}",))
                for place, (text, page) in enumerate(chapter.said, 1)
            ]
        found.append(
            Source(
                title=book.title, author=book.author, kind=book.kind, url=ADDRESSES.get(book.title, ""),
                outside_ids=(f"readwise:{number}", f"file:Readwise/Books/{book.title}.md"), highlights=tuple(highlights),
            )
        )  # fmt: skip
    return found


def section(book: Book, chapter: Chapter, language: str) -> str:
    """The finished section as it stands in the note, its heading included."""
    own = chapter.german_title if language == "german" else f"On {chapter.title.casefold()}"
    heading = {"same": f"## {chapter.title}\n", "own": f"## {own}\n", "": ""}[book.headings]
    return f"{heading}{chapter.german if language == 'german' else chapter.english}"


def note(book: Book, language: str) -> tuple[str, str]:
    """(path, text) of the finished note about a book."""
    parts = [section(book, chapter, language) for chapter in book.chapters]
    return f"Notizen/{book.note}.md", book.top + ("" if book.headings == "" else "\n").join(parts)


def fill(library: Library, language: str) -> None:
    """Highlights and finished notes, unpaired."""
    library.sources.upsert(sources(), origin="api", complete=True)
    parsed = [parse_note(path, text.encode()) for path, text in (note(book, language) for book in BOOKS)]
    library.notes.sync([(item.note, item.passages) for item in parsed])
