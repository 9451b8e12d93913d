"""Comments -> wishes: the clauses that ask for something which is to hold from now on.

Remarks ("the quotes here are lovely"), questions, and complaints that something is lacking ("no structure at all") use the words of orders.
So a clause counts by its form alone: it orders, forbids, wishes, says what notes should be or what there is too much of. In doubt it counts
for nothing: a wish can be said again, while a rule that nobody asked for has to be refused.
"""

from __future__ import annotations

import re

from .wishes import NOUN, NUMBER, interpret

LONGEST = 300  # characters; whoever goes on for longer tells a story

_VERB = (
    r"(?:add|aim|ask|attribute|avoid|be|begin|bold|break|bring|call|capitali[sz]e|check|choose|cite|close|combine|compare|condense|connect|"
    r"copy|cover|credit|cut|date|define|delete|describe|ditch|drop|emphasi[sz]e|end|exclude|expand|explain|finish|flag|focus|fold|follow|"
    r"format|get|give|go easy|group|highlight|ignore|include|indent|insert|introduce|invent|join|keep|label|lead|leave|let|limit|link|list|"
    r"lose|make|mark|match|mention|merge|mirror|move|name|nest|number|omit|open|order|paraphrase|pick|point|preserve|put|quote|reduce|refer|"
    r"relate|remember to|remove|repeat|rephrase|replace|respect|reuse|reword|rewrite|save|say|separate|shorten|show|simplify|skip|sort|"
    r"spell|split|start|state|stay|stick|stop|structure|summari[sz]e|swap|tag|tell|tighten|transcribe|translate|trim|try (?:not )?to|turn|"
    r"underline|use|wrap|write)"
)
# What follows a noun ("use of bold", "end is weak", "list works well"), and what is said of the draft at hand ("leave it", "keep going").
_NO_ORDER = (
    r"(?!-|\W+(?:of|is|was|are|were|has|looks?|feels?|seems?|sounds?|reads?|works?|going|up|me|well|differently|"
    r"nicely|off|what|short(?= in\b|\W*\Z))\b|"
    r"\W+(?:(?:it|this|that|these)\b)?\W*(?:as is|like (?:it|this))?\W*\Z|\W*\Z)"
)
_DRAFTS = r"(?:drafts?|versions?|candidates?|options?|ones|one(?! \w))"
_THESE = (  # the draft at hand, or one beside it
    rf"(?:(?:it|this|that|these|those|they|them|both|either|neither|here|there|{_DRAFTS}|[a-d] over [a-d])\b|"
    r"(?:the )?(?:first|second|third|fourth|last|next|other|previous)"
    rf"(?: (?:two )?{_DRAFTS}\b|(?= best\b| would\b|\W*\Z))|\d+\W*\Z)"
)
_THING = rf"(?!{_THESE}|(?:to|what|how|who|where|why|whether|your)\b)\w"
_ORDER = rf"(?:{_VERB}\b{_NO_ORDER}|prefer {_THING}|have (?:an?|the|{NUMBER})\b)"
_FORMAL = (  # what a note is made up of
    rf"(?:{NOUN}|propert(?:y|ies)|captions?|lead-?ins?|marks|lines?|dash(?:es)?|titles?|rules?|emojis?|intro(?:duction)?s?|footnotes?|"
    r"hashtags?)"
)
_DEGREE = r"(?:(?:a (?:bit|little|lot)|much|way|far|even|slightly|still|also|just|somewhat) )*"
_NOT = r"(?: not|n['’]t)"
_NEVER = rf"(?:do{_NOT}|never(?: ever)?)"
_WHEN = r"(?:in|for|if|when|where|with|at|after|before|next time|instead)\b"
_FIRST = rf"(?:(?:please|just|only|always|maybe|instead|next time|in future|from now on),? |{_WHEN}[^,]*, )"
_MENTAL = r"(?:like|love|know|get|mind|think|see|understand|agree|care|believe|remember|find|really|even|worry|want|need|have|miss)\b"
_IN_WORDS = r"(?:i|we) (?:really |just |only |still )?"

# Forms that tell a wish by how they begin, or by the verb in them.
_WISHES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?:{_FIRST}|(?:i|we) (?:always|never|usually|normally|do{_NOT}(?! get)) |{_NEVER} )*{_ORDER}",  # "I always quote" too
        rf"(?:please )?do{_NOT} (?!{_MENTAL})\w",
        r"(?:please )?stop \w+ing\b|enough (?:of|with) (?!this|that)",
        r"please\W+(?!is\b|was\b)\w|.*\w.*\bplease\W*\Z",
        rf"(?:never|no|not) (?:more|fewer|less|longer|shorter) than (?:an?|{NUMBER})\b",
        r"(?:there(?: i|['’])s )?no need (?:for|to) (?!worry)|no \w.* (?:unless|except|other than) ",
        rf"{_IN_WORDS}(?:want|need|prefer) (?:(?:to (?:see|have|get) )?{_THING}|you to|it (?:to|in|as|\w+er)\b)",
        rf"(?:i|we)(?:['’]d| would) (?:really |much )?(?:like|love|prefer|rather (?:have|see|read))(?: to (?:see|have|read|get))? {_THING}",
        rf"(?:i|we) do{_NOT} (?:want|need|(?:really )?like (?!the|how|my)) ?{_THING}",
        rf"{_IN_WORDS}(?:hate|dislike|can(?:not|['’]t) stand) (?!the|how|my){_THING}",
        rf"{_IN_WORDS}(?:like|love|prefer) (?:it (?:when|if) |(?!it\b){NOUN}(?: (?:for|when|in|at)\b|\W*\Z))",
        r"(?!(?:i|we|why|what|who|how|where|not|as|which|is|does)\b|you (?:should|must) (?:see|know)\b)(?:[^,]{0,50} )?"
        rf"(?:(?:should|must){_NOT}?|ought to|needs? to|(?<!i )ha(?:s|ve) to) "
        rf"(?!have (?!(?:an?|the|their|its|at|no|more|fewer|{NUMBER})\b)|see\b|say\b|"
        r"be (?:fine|ok|okay|good|enough|the\b|a \w+\W*\Z)|be\W*\Z)\w",
        r"(?:[^,]{1,40} )?needs? (?:more|fewer|less|an?|the|some) (?!(?:bit of |lot of |little )?(?:work|thought|polish|time|love)\b)\w",
        rf"(?:[^,]{{1,40}} )?could (?:be {_DEGREE}(?:shorter|longer|briefer|tighter|more|less)|use (?:more|fewer|less|an?|some))\b",
        rf"(?!it\b|this\b|that\b)[^,]{{1,40}} (?:is|are){_NOT} (?:needed|necessary|wanted)\b",
        rf"(?!(?:{_THESE}|without|i|he|she)\b)[^,]+ would (?:be|help|suffice|do)\b",
        r"it(?: would|['’]d) be (?:nice|good|better|great) (?:to|if) ",
        rf"(?:(?:it|this|(?:the |my )?{NOUN})(?:['’]s| is| are)? )?{_DEGREE}"
        r"too (?:(?:long|short|wordy|verbose)\W*\Z|(?:many|much|few|little) (?!of\b)\w)",
        rf"(?:not enough|hardly any) {NOUN}\W*\Z",
    )
)
# Forms that do so where nothing is said of anything, as there is no verb.
_FRAGMENTS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_DEGREE}(?:more|less|fewer|shorter|longer|briefer) (?!or less|it\b|of (?:this|that|the same))\w",
        r"(?!instead\b)\w.* (?:instead of|rather than) \w",
        r"(?:(?:the )?same(?: \w+)? |like this |again )?(?:but )?without (?:any |the |so many )?\w+(?: \w+){0,2}\W*\Z",
        rf"(?:only )?(?:at (?:most|least) )?(?:an?|{NUMBER}|each|every) .*\b(?:per|for each|for every) \w",
        rf"no (?!notes?\b|words?\b)(?:\w+ ){{0,2}}{_FORMAL}"
        r"(?: (?:after|before|between|around|below|above|under|at|in) (?!this|that|here|all\b)\w+(?: \w+)?)?\W*\Z",
        rf"(?:an? |the |my )?(?:blank |quotation )?{_FORMAL} "
        r"(?:at the (?:end|top|bottom|beginning|start)|(?:between|after|under|around|below|above|before) \w)",
        rf"(?:the )?{NOUN} (?:first|last)\b",
        rf"only (?:the )?(?:first|last) (?:{NUMBER} )?(?:sentences?|clauses?|words?|lines?|highlights)\W*\Z",
        rf"(?:only|at most|at least|(?:max|min)(?:imum|\.)?) {NUMBER} \w",
    )
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|am|has|had|does|did|do|looks?|feels?|seems?|reads?|sounds?|works?|helps?|says?|would|could|can|will|i|than)\b|"
    r"['’]s\b(?! \w+)",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"\b(?:when|where|if|unless|that|which|who|how|what|than (?:an?|\d+|prose|bullets)|rather than)\b.*", re.IGNORECASE)
_SPOKEN_OF = re.compile(rf"(?:{_THESE}|you|he|she|we|someone|nobody|not\b(?! (?:more|so|too)))", re.IGNORECASE)
# "No bullets" is an order, "no bullets at all" may be one or a complaint.
_UNCLEAR = re.compile(r"no\b.*\b(?:at all|here|this time|again|either)\b", re.IGNORECASE)
_LACKS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?:(?:it|this(?: one)?|that) )?(?:(?:is|still|again) )*(?:missing|lacks?|lacking|ha(?:s|ve) no|does{_NOT} have|i miss|"
        r"there(?: are| is|['’]s)(?: still)? no|still no) (?:any |the |my )?"
        rf"(?P<lacking>(?:an? )?{NOUN})(?: (?:again|here|at all|this time))*",
        rf"(?:the |my )?(?!words?\b)(?P<lacking>{NOUN}) (?:(?:is|are) )?(?:still |all |again )?(?:missing|lacking|gone)",
        rf"(?:(?:it|this(?: one)?|(?:the |my )?notes?) )?(?:should|must) (?:also |really )?have (?:the |some )?(?P<lacking>{NOUN})",
    )
)
# Nouns that read like orders: "link broken", "list too long", "merge conflict".
_NOUNS = re.compile(
    r"(?:break|copy|cover|cut|date|end|focus|format|group|label|lead|link|list|mark|match|mention|name|number|order|point|quote|split|start|"
    r"state|structure|tag)(?: (?!(?:it|the|all|what|any|every)\w*)\w+)? "
    r"(?:wrong|broken|missing|lost|gone|incorrect|unclear|confusing|weird|odd|mixed up|messed up|"
    r"too (?:long|short|wordy|vague|dense|abrupt|slow|weak|early|late|big|small|loose|deep))|"
    r"merge conflicts?|match quality|name dropping|point taken|turn out\b.*",
    re.IGNORECASE,
)
_REQUEST = re.compile(r"(?:please )?(?:can|could|would|will) (?:you|we)(?: please| maybe)? (?P<what>.*?)\W*\Z", re.IGNORECASE)

# Points and commas that end no clause are put aside while a comment is cut.
_MASKS = {".": "\ue000", ",": "\ue001"}
_ABBREVIATION = re.compile(
    r"\b(?:e\. ?g|i\. ?e|cf|vs|ca|[Aa]pprox|z\. ?B|d\. ?h|u\. ?a|bzw|vgl|Dr|Prof|Mr|Mrs|Ms|St|Nr|Fig|pp?|ch|Kap|Bd)\.|"
    rf"\b(?:[Mm]ax|[Mm]in)\.(?= ?{NUMBER})|"
    r"\b(?:etc|usw|et al)\.(?=\W+[a-zäöü])|\b(?:No|S)\.(?= ?\d)|(?<!draft )\b(?:[A-Z]\. ?)+(?=[A-Z])"
)
_CONDITION = re.compile(rf"(?:^|(?<=[.;!?\n] ))(?:please|(?:please )?{_WHEN}[^,.;!?\n]*),", re.IGNORECASE)
_AMOUNT = r"no|more|fewer|less|shorter|longer|never|at most|at least|too (?:many|much|long|short)|(?:max|min)(?:imum)?"
_BEGINS = rf"(?:{_AMOUNT}|always|do{_NOT}|please(?= \w)|stop|(?!put|cut|split|quote|let){_VERB}{_NO_ORDER})\b"  # those may be past tense
_CUT = re.compile(
    r"(?<=[.;!?…])[\"'”’)]*(?:\s+|\Z)|\n+|(?<!\d)\s+[-–—]+\s+|,\s+(?:and|but|though|although)\s+|"
    rf"[,:]\s+(?={_BEGINS})|\s+(?:and|but)\s+(?=(?:{_AMOUNT}|use)\b)",
    re.IGNORECASE,
)
# What one draft is said to have ("B: no quotes"), and what a draft is praised for being without ("perfect, no tables").
_SENTENCE = r"(?:^|(?<=[.;!?\n]))\s*(?:[-*•]\s*)?(?![^.;!?\n]{0,300}\b(?:please|next time|in future|from now on)\b)"
_LABEL = rf"(?:the )?(?:{_DRAFTS} )?#?(?:[a-d]|\d+|first|second|third|fourth|last)(?: {_DRAFTS})?"
_LABELLED = re.compile(
    rf"{_SENTENCE}{_LABEL}(?:(?:, ?| and | ?& ?| ?/ ?){_LABEL})?(?: ?[:,]|(?= [-–—]+ ))[^.;!?\n]*",
    re.IGNORECASE,
)
_HAS = re.compile(rf"(?:[,:]|\s[-–—]+|\s(?:and|but))\s+(?:(?:and|but|also|still)\s+)?(?!never\b)(?:{_AMOUNT})\b[^,]*", re.IGNORECASE)
_PRAISED = re.compile(
    rf"(?P<praise>{_SENTENCE}(?:[^,:.;!?\n]{{0,30}}(?:\b(?:is|was|are|looks|reads)|['’]s) |i )?(?:(?:very|really|so|just|all|quite) )*"
    r"(?:perfect|great|good|nice|excellent|lovely|beautiful|wonderful|super|fantastic|brilliant|awesome|well done|"
    r"(?:love|like) (?:it|this))\b"
    r"(?:(?!\bbut\b)[^,:.;!?\n]){0,40}?)(?:(?:[,:]| [-–—]+) (?:and )?no [^,.;!?\n]*)+",
    re.IGNORECASE,
)
_GLUE = re.compile(r"\A(?:[-*•]\s+|(?:and|but|so|also|then|ok(?:ay)?|though|although|yet)\b,?\s+)+", re.IGNORECASE)


def wishes(comment: str) -> list[str]:
    """What a comment asks for, in its own words; "nice" and "draft 2 is dull" ask for nothing."""
    return list(dict.fromkeys(wish for clause in _clauses(comment) if (wish := _wish(clause))))


def _clauses(comment: str) -> list[str]:
    text = re.sub(r"\s+", lambda run: "\n" if "\n" in run[0] else " ", comment)  # the patterns are slow on runs of blanks
    text = _PRAISED.sub(r"\g<praise>", _LABELLED.sub(lambda found: _HAS.sub("", found[0]), text))
    for pattern in (_ABBREVIATION, _CONDITION):
        text = pattern.sub(lambda found: "".join(_MASKS.get(char, char) for char in found[0]), text)
    clauses = [_GLUE.sub("", " ".join(part.split())) for part in _CUT.split(text)]
    for char, mask in _MASKS.items():
        clauses = [clause.replace(mask, char) for clause in clauses]
    return clauses


def _wish(clause: str) -> str:
    """What a clause asks for; empty where it asks for nothing. What is said to be lacking is asked for."""
    if len(clause) > LONGEST:
        return ""
    if request := _REQUEST.match(clause):
        return _wish(request["what"])
    if clause.endswith("?"):
        return ""
    said = clause.strip(" ,:;.!…–-")
    for form in _LACKS:
        if found := form.fullmatch(said):
            asked = f"use {found['lacking'].lower()}"
            return asked if interpret(asked) else ""
    if _NOUNS.fullmatch(said) and not interpret(said):
        return ""
    if any(form.match(said) for form in _WISHES):
        return said
    if _FINITE.search(_BESIDE.sub("", said)) or _SPOKEN_OF.match(said) or _UNCLEAR.match(said):
        return ""
    return said if interpret(said) or any(form.match(said) for form in _FRAGMENTS) else ""
