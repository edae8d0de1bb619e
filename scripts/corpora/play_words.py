"""Words of the play that do not depend on where a scene is set or what it is about."""

WORDS = r"""
folk~(n):
  captain+ | miller+ | postman/postmen | widow+ | baker+ | smith+ | mayor+ | doctor+ | fiddler+
  grocer+ | lodger+ | chaplain+ | cooper+ | watchman/watchmen | tailor+ | innkeeper+ | pilot+
  carpenter+ | judge+ | apprentice+ | weaver+ | inspector+ | organist+ | cook+ | poet+ | priest+
  sailor+ | clerk+
kin~(n):
  aunt+ | uncle+ | cousin+ | brother+ | sister+ | son+ | niece+ | nephew+ | twin+ | friend+ | dog+
  cat+
surname~:
  Pym | Finch | Lowe | Tull | Bray | Cobb | Nash | Hale | Pike | Rook | Vane | Wren | Yorke | Zell
  Quill | Moss | Dunn | Gale | Ives | Keel | Orme | Usher | Voss | Flint
act~(f):
  sleep/sleeps/slept/sleeping/slept | sing/sings/sang/singing/sung | dance*
  weep/weeps/wept/weeping/wept | whistle* | snore* | pray* | swim/swims/swam/swimming/swum | wait*
  talk* | smoke* | cough* | limp* | blush* | cheat* | bow* | drink/drinks/drank/drinking/drunk
  shout* | laugh* | mumble* | dream* | knit** | yawn* | faint* | argue* | hum**
verb~(f):
  find/finds/found/finding/found | hide/hides/hid/hiding/hidden | borrow* | carry* | count*
  mend* | clean* | move* | paint* | lose/loses/lost/losing/lost
  break/breaks/broke/breaking/broken | want* | forget/forgets/forgot/forgetting/forgotten
  sell/sells/sold/selling/sold | wash* | measure* | draw/draws/drew/drawing/drawn | guard*
  cover* | burn* | admire* | keep/keeps/kept/keeping/kept | buy/buys/bought/buying/bought
  steal/steals/stole/stealing/stolen | lift* | kick* | drop**
  bring/brings/brought/bringing/brought | hold/holds/held/holding/held | fold* | polish* | bury*
  see/sees/saw/seeing/seen | take/takes/took/taking/taken | throw/throws/threw/throwing/thrown
  lend/lends/lent/lending/lent | ruin* | weigh* | kiss* | offer*
adj~:
  old | new | red | blue | green | grey | black | white | pink | brown | small | tall | thin | fat
  round | flat | square | soft | wet | dry | hot | cold | warm | cheap | odd | plain | fine | rare
  good | bad | sad | lost | torn | bent
state~:
  broken | missing | dry | still warm | under dust | full of sand | not for sale | upside down
  beyond repair | as good as new | too small | no use | wet | haunted | paid for | stolen | asleep
  sticky
mood~:
  tired | happy | afraid | ready | hungry | patient | certain | sorry | early | proud | awake
  lonely | brave | calm | cross | shy | rich | poor | wise | late
virtue~:
  quiet | careful | honest | clever | cheerful | stubborn | wicked | nervous | gentle | young
  blind | lazy | deaf | stout | pale | grim | drunken | tender | wealthy | retired | learned
  former
first~:
  Ann | Ben | Dot | Eve | Fay | Gus | Hal | Ida | Jem | Kit | Lil | Meg | Ned | Olga | Pip | Sal
  Tom | Una | Viv | Walt
hour:
  one | two | three | four | five | six | seven | eight | nine | ten | eleven
adv~:
  never | always | often | gladly | slowly | secretly | badly | kindly | rarely | boldly | twice
  calmly | simply | quickly
day~:
  Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday
month~:
  March | April | October | November | January | June | February | December | July | August
season~:
  spring | summer | autumn | winter | week | month | night | year
number~:
  two | three | four | five | six | seven | eight | nine | ten | eleven | twelve | twenty | forty
  sixty | ninety
thing~(n):
  key+ | letter+ | candle+ | map+ | basket+ | ladder+ | umbrella+ | box+ | coat+ | teapot+
  fiddle+ | cup+ | hat+ | pie+ | bell+ | drum+ | coin+ | ring+ | rug+ | jug+ | pan+ | pot+ | comb+
  fork+ | book+ | boot+ | sock+ | nail+ | saw+ | axe+ | hook+ | flag+ | doll+ | kite+ | pipe+
  fan+ | bag+ | jar+ | lid+ | mug+ | ham+ | egg+ | pear+ | plum+ | fig+ | nut+ | leek+ | rose+
  lily+ | hen+ | duck+ | pig+ | crab+ | eel+ | gull+ | swan+ | pony+ | mule+ | frog+ | harp+
  lute+ | horn+ | flute+ | chair+
furniture~:
  door | stove | table | window | stairs | clock | bench | curtain | wall | fire | shelf | gate
  piano | cupboard | hedge | roof | well | barn | tree | bridge
preposition:
  3~ by | 3~ under | 3~ behind | 2~ beside | 2~ near | 2~ above | beneath | inside | beyond
  against | outside | opposite | below
said~(f):
  say/says/said/saying/said | whisper* | shout/shouts/shouted/shouting/shouted | answer* | sigh*
  explain* | mutter* | announce* | sob** | roar* | lie/lies/lied/lying/lied
title~:
  nobody | the sea | an honest baker | the weather | love | the heart | a goose | bad news | a fool
  time | a kettle | the truth | money | the moon | a saint | silence | a good question | hope
does~:
  comes home in the end | tells no lies | waits for nobody | has its reasons | knows the way
  weighs less at night | asks for nothing | needs oil | looks small from the hill | never pays twice
  keeps well in the dark | is half the answer | makes a poor pillow | has cold feet
  outlives us all
scorn~:
  nonsense | patience | heavens | enough | courage | rubbish | listen | splendid | quiet | gently
  mercy | hush | alas | bravo | never | shame | indeed | exactly | look
manner~:
  quietly | aside | turning away | at the window | counting on {it.his} fingers | coldly
  in a whisper | sitting down | to <who> | kindly | after a pause | on tiptoe | writing it down
  pointing at <obj> | very slowly | holding <obj> | <mood> | <act f=3>
digit:
  0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
tens:
  2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
"""
