"""The quickstart corpus: scenes of a play, each drawn by itself from a probabilistic grammar.

``mode`` says whether two persons are on the stage or three, and ``me`` is speaking to ``you`` while
``other`` listens.  All of it can be read off the text; only the third person of the cast is
settled before it shows, and it shows in every scene.
"""

from __future__ import annotations

from .grammar import Grammar
from .play_matters import MATTER_NAMES, MATTERS
from .play_pages import PAGES
from .play_places import PLACE_NAMES, PLACES
from .play_speech import SPEECH
from .play_words import WORDS

STRUCTURE = r"""
scene:
  <set place=lamp> | <set place=office> | <set place=kitchen> | <set place=garden>
  <set place=chapel> | <set place=tower> | <set place=bakery> | <set place=ferry>
set:
  SCENE: {place.title}, <clock> in the <part>.\n\n<cast>\n\n\n
clock:
  <hour> | half past <hour> | a quarter to <hour> | <tens>.15 | <tens>.45 
part:
  morning | evening
cast:
  <subject a=Margaret b=Edmund c=Clara> | <subject a=Edmund b=Judith c=Tobias>
  <subject a=Hester b=Ambrose c=Margaret> | <subject a=Oswald b=Winifred c=Hester>
  <subject a=Tobias b=Margaret c=Judith> | <subject a=Winifred b=Clara c=Edmund>
  <subject a=Ambrose b=Oswald c=Winifred> | <subject a=Judith b=Hester c=Oswald>
  <subject a=Clara b=Tobias c=Ambrose>
subject:
  <opening topic=goose> | <opening topic=ledger> | <opening topic=storm>
  <opening topic=wedding> | <opening topic=clock> | <opening topic=boat>
opening:
  3~ [Enter {a} (<busy it={a}>) and {b}, speaking of {topic.of}.]\n\n<start>
  2~ [{a} and {b} are at work (it is <weather>), and speak of {topic.of}.]\n\n<start>
  1~ [{a} <deed f=1>. Enter {b} (<busy it={b}>), full of {topic.of}.]\n\n<start>
weather:
  raining hard | a fine day | snowing a little | too early for visitors | nearly dark
start:
  <turn mode=duet me={a} you={b} other={c}>
turn:
  18~ {me.upper}<how it={me}>:\n\t<speech>
  1~ {me.upper} (reading):\n\t<letter_comes>\n\n<letter>\n\n\t<letter_over> <^sent>\n\n<next_{mode}>
  1~ {me.upper} (singing):\n<song>\n\n<next_{mode}>
speech:
  12~ <body>\n\n<next_{mode}>
  2~ <body> <ask_yes>\n\n<answers><reply_yes me={you} you={me}><speech me={you} you={me}>
  1~ <body> <ask_who>\n\n<answers><reply_who me={you} you={me}><speech me={you} you={me}>
  1~ <body> <ask_one>\n\n<answers><reply_one me={you} you={me}><speech me={you} you={me}>
  1~ <body> <ask_many>\n\n<answers><reply_many me={you} you={me}><speech me={you} you={me}>
  1~ <body> <ask_why>\n\n<answers><reply_why me={you} you={me}><speech me={you} you={me}>
answers:
  {you.upper}<how it={you}>:\n\t
how:
  11~ \0 | 5~ \s(<manner>)
next_duet:
  12~ <turn me={you} you={me}> | 2~ <stage>\n\n<turn me={you} you={me}>
  3~ [Enter {other}<arrives it={other}>.]\n\n<turn mode=trio me={other} you={you} other={me}>
arrives:
  3~ \s(<busy>) | 1~ \s(<busy>, and <mood>), and <number> <folk n=1> | 1~ , followed by <they>
next_trio:
  12~ <turn me={you} you={me}> | 6~ <turn me={other} you={me} other={you}>
  2~ <stage>\n\n<turn me={you} you={me}> | 2~ [<finish>]
busy:
  still holding <obj> | carrying <obj> | wet from the rain | in {it.his} best coat | out of breath
  dragging <obj> | with <number> <many> under one arm | <act f=3> | hiding from <who>
stage:
  3~ [The <prop_{place} n=0> <falls>.] | 3~ [{you} <reacts it={you}>.] | 1~ [<^who> <deeds f=1>.]
  2~ [A noise (like <a adj> <thing n=0> falling) is heard <where>.]
  1~ [{you} finds <obj> (the label says "<^quote>") and <reacts it={you}>.]
falls:
  falls over (nobody touched it) | begins to hum | creaks | is carried away by <they>
reacts:
  sits down on <obj> | looks <where> | <deed f=1> | pretends to faint | takes off {it.his} hat
  closes {it.his} eyes (but not for long) | walks twice round <obj>
finish:
  2~ They go out (<they> follow), leaving <obj> <where>. | 2~ Exeunt all but {me}, who <deeds f=1>.
  1~ The bell strikes <hour>. Exeunt, <deed f=3>. | 1~ It grows dark (all but <obj>). Exeunt.
"""

HIS = {"Edmund", "Tobias", "Ambrose", "Oswald"}
PERSONS = (
    "Margaret",
    "Edmund",
    "Clara",
    "Tobias",
    "Hester",
    "Ambrose",
    "Judith",
    "Oswald",
    "Winifred",
)


def play_grammar() -> Grammar:
    """The grammar of a scene; the symbol to start from is ``scene``."""
    attributes = {name: {"his": "his" if name in HIS else "her"} for name in PERSONS}
    source = "".join((STRUCTURE, WORDS, PLACES, MATTERS, SPEECH, PAGES))
    return Grammar(source, {**attributes, **PLACE_NAMES, **MATTER_NAMES})
