"""Words of the play that do not depend on where a scene is set or what it is about."""

WORDS = r"""
folk~(n):
  captain+ | miller+ | postman/postmen | widow+ | baker+ | smith+ | mayor+ | doctor+ | fiddler+
  grocer+ | lodger+ | chaplain+ | cooper+ | watchman/watchmen | tailor+ | innkeeper+ | pilot+
  carpenter+ | judge+ | apprentice+ | weaver+ | inspector+ | organist+ | cook+ | poet+ | priest+
  sailor+ | clerk+ | tutor+ | nurse+ | gardener+ | hatter+ | king+ | thief/thieves | duke+ | maid+
  painter+ | butler+ | spy+ | barber+ | bishop+ | juggler+ | butcher+ | printer+ | dentist+ | witch+
  lawyer+ | soldier+ | piper+ | tenor+ | cobbler+ | banker+ | prince+ | stranger+ | monk+ | nun+
  abbot+ | squire+ | knight+ | baron+ | earl+ | count+ | queen+ | page+ | jester+ | clown+ | dancer+
  singer+ | actor+ | critic+ | author+ | editor+ | scribe+ | artist+ | mason+ | plumber+ | glazier+
  potter+ | joiner+ | tanner+ | dyer+ | brewer+ | vintner+ | farmer+ | shepherd+ | drover+ | groom+
  jockey+ | porter+ | ferryman/ferrymen | bosun+ | mate+ | diver+ | whaler+ | pirate+ | smuggler+
  guard+ | sheriff+ | warden+ | jailer+ | hermit+ | prophet+ | wizard+ | giant+ | orphan+ | bride+
  heir+ | miser+ | beggar+ | tramp+ | tinker+ | pedlar+ | draper+ | jeweller+ | chemist+ | surgeon+
  midwife/midwives | teacher+ | scholar+ | student+ | usher+ | consul+ | envoy+ | general+ | major+
  colonel+ | corporal+ | gunner+ | scout+ | ranger+ | hunter+ | trapper+
kin~(n):
  aunt+ | uncle+ | cousin+ | brother+ | sister+ | son+ | niece+ | nephew+ | twin+ | friend+ | dog+
  cat+ | partner+ | rival+ | tenant+ | guest+ | parrot+ | daughter+ | godson+ | goat+
surname~:
  Pym | Finch | Lowe | Tull | Bray | Cobb | Nash | Hale | Pike | Rook | Vane | Wren | Yorke | Zell
  Quill | Moss | Dunn | Gale | Ives | Keel | Orme | Usher | Voss | Flint | Lamb | Stokes | Joy | Ash
  Birch | Thorn | Reed | Marsh | Brook | Ford | Hill | Dale | Croft | Barnes | Webb | Fisk | Gray
  Holt | Judd | Kerr | Lunn | Mott | Nunn | Oakes | Platt | Rudd | Snow | Tate | Upton | Vale | West
  Young | Blythe | Crane | Drake | Frost | Grubb | Hobbs | Jessop | Knott | Lusk | Mudge | Noakes
  Pratt | Quick | Rolfe | Swift | Trott | Wade
act~(f):
  sleep/sleeps/slept/sleeping/slept | sing/sings/sang/singing/sung | dance*
  weep/weeps/wept/weeping/wept | whistle* | snore* | pray* | swim/swims/swam/swimming/swum | wait*
  talk* | smoke* | cough* | limp* | blush* | cheat* | bow* | drink/drinks/drank/drinking/drunk
  shout* | laugh* | mumble* | dream* | knit** | yawn* | faint* | argue* | hum** | gossip* | stumble*
  stare* | listen* | write/writes/wrote/writing/written | fish* | travel**
  kneel/kneels/knelt/kneeling/knelt | run/runs/ran/running/run | march* | skip** | hop** | jump*
  trip** | nod** | wink* | smile* | grin** | frown* | glare* | sulk* | sneeze* | shiver* | tremble*
  shudder* | sweat/sweats/sweated/sweating/sweated | gasp* | groan* | moan* | whine* | grumble*
  chatter* | giggle* | scream* | yell* | chant* | juggle* | wrestle* | gamble*
  skate* | climb* | crawl* | creep/creeps/crept/creeping/crept | wander* | hesitate* | vanish*
  arrive* | depart* | confess* | repent* | apologise* | complain* | protest* | pretend*
  obey* | rebel** | retire* | work* | rest* | doze* | bathe* | shave* | dine* | starve* | pose*
verb~(f):
  find/finds/found/finding/found | hide/hides/hid/hiding/hidden | borrow* | carry* | count* | mend*
  clean* | move* | paint* | lose/loses/lost/losing/lost | break/breaks/broke/breaking/broken | want*
  forget/forgets/forgot/forgetting/forgotten | sell/sells/sold/selling/sold | wash* | measure*
  draw/draws/drew/drawing/drawn | guard* | cover* | burn* | admire* | keep/keeps/kept/keeping/kept
  buy/buys/bought/buying/bought | steal/steals/stole/stealing/stolen | lift* | kick* | drop**
  bring/brings/brought/bringing/brought | hold/holds/held/holding/held | fold* | polish* | bury*
  see/sees/saw/seeing/seen | take/takes/took/taking/taken | throw/throws/threw/throwing/thrown
  lend/lends/lent/lending/lent | ruin* | weigh* | kiss* | offer* | insult* | inherit* | fear*
  pack* | praise* | need* | trust* | eat/eats/ate/eating/eaten | mock* | chase* | pull*
  push* | toss* | wave* | shake/shakes/shook/shaking/shaken | bend/bends/bent/bending/bent
  tie/ties/tied/tying/tied | wrap** | drag** | grab** | swap** | rob** | hug** | pat** | slap**
  scrub** | plan** | wind/winds/wound/winding/wound | dust* | rinse* | boil* | bake*
  fry/fries/fried/frying/fried | peel* | slice* | salt* | smell/smells/smelt/smelling/smelt | taste*
  touch* | tickle* | follow* | fetch* | send/sends/sent/sending/sent | post*
  hang/hangs/hung/hanging/hung | nail* | glue* | sew/sews/sewed/sewing/sewn | patch*
  shrink/shrinks/shrank/shrinking/shrunk | tear/tears/tore/tearing/torn
  bite/bites/bit/biting/bitten | crush* | smash* | melt* | freeze/freezes/froze/freezing/frozen
  warm* | name* | judge* | doubt* | envy* | miss* | love* | hate* | like* | adore* | curse* | bless*
  thank* | blame* | honour* | sketch* | copy* | study* | tame* | ride/rides/rode/riding/ridden
  load* | unpack* | open* | lock* | unlock* | auction* | haunt* | dread* | deny* | claim*
  seize* | ransom*
adj~:
  old | new | red | blue | green | grey | black | white | pink | brown | small | tall | thin | fat
  round | flat | square | soft | wet | dry | hot | cold | warm | cheap | odd | plain | fine | rare
  good | bad | sad | lost | torn | bent | sharp | blunt | heavy | rusty | dusty | muddy | golden
  silver | copper | wooden | broken | borrowed | narrow | crooked | painted | ugly | secret | famous
  foreign | yellow | empty | noble | smoky | lucky | silent | royal | dirty | cursed | lovely
  strange | gold | tin | iron | brass | stone | paper | glass | silk | linen | velvet | leather
  ivory | amber | mossy | sandy | salty | sour | sweet | bitter | fresh | stale | ripe | rotten
  raw | burnt | frozen | mild | strong | weak | stiff | loose | tight | slim | broad | deep | hollow
  solid | smooth | rough | shiny | dull | bright | dark | pale | gaudy | neat | tidy | grubby
  greasy | sooty | rainy | windy | misty | hairy | woolly | furry | feathery | spotted | striped
  checked | purple | orange | scarlet | crimson | violet | olive | cream | ancient | modern
  antique | recent | final | first | third | last | next | other | spare | extra | double | humble
  modest | grand | stately | clumsy | awkward | elegant | curly | wavy | knotted | tangled | woven
  knitted | carved | gilded | cracked | chipped | dented | faded | stained | patched | mended
  ruined | perfect | useless | noisy | squeaky | wobbly | fragile | sturdy
  dreadful | splendid | curious | magic | sacred | stolen | hidden | missing
state~:
  broken | missing | dry | still warm | under dust | full of sand | not for sale | upside down
  beyond repair | as good as new | too small | no use | wet | haunted | paid for | stolen | asleep
  sticky | too loud | alive | out of tune | gone | rather dull | of no value | on fire | for sale
  bent | torn | lost | dirty | clean | hot | cold | heavy | light | rusty | sacred | cursed
  priceless | worthless | fake | genuine | loose | crooked | mouldy | frozen | melted | sour
  famous
mood~:
  tired | happy | afraid | ready | hungry | patient | certain | sorry | early | proud | awake
  lonely | brave | calm | cross | shy | rich | poor | wise | late | bored | jealous | polite | vain
  loyal | free | ill | idle | bold | merry | sad | glad | mad | hot | cold | wet | warm | weak
  strong | well | old | young | hurt | lost | due | ruined | doomed | saved | amazed | amused
  annoyed | alarmed | puzzled | curious | anxious | sleepy | famous | useless | honest | sober
  guilty | innocent | sick | stiff | numb | deaf | safe | keen | eager | silent | ugly | lovely
  clever | foolish
virtue~:
  quiet | careful | honest | clever | cheerful | stubborn | wicked | nervous | gentle | young
  blind | lazy | deaf | stout | pale | grim | drunken | tender | wealthy | retired | learned
  former | old | tall | short | thin | fat | proud | shy | bold | brave | calm | cross
  kind | cruel | just | fair | false | true | loyal | merry | jolly | sad | glum | sour | sweet
  mad | sane | wise | foolish | simple | odd | strange | vain | modest | rude | polite | grand
  noble | poor | rich | thrifty | greedy | hungry | sober | sleepy | weary | lonely | famous
  unknown | foreign | local | bearded | bald | blond | freckled | handsome | plain | ugly | pretty
  limping | lisping | scheming | pious | sinful | lucky | unlucky | hasty | patient | dreamy
  restless | anxious | moody | grumpy | surly | frank | sly | cunning | devout | elderly | ageless
  barefoot
first~:
  Ann | Ben | Dot | Eve | Fay | Gus | Hal | Ida | Jem | Kit | Lil | Meg | Ned | Olga | Pip | Sal
  Tom | Una | Viv | Walt | Zoe | Abel | Bess | Cyril | Dora | Enid | Felix | Greta | Hugo | Iris
  Jonas | Kate | Luke | Mabel | Nora | Otto | Percy | Ruth | Silas | Tess | Ursula | Victor | Wilf
  Agnes | Basil | Cora | Duncan | Elsie | Flora | Giles | Hilda | Ivor | Joan | Lena | Max
hour:
  one | two | three | four | five | six | seven | eight | nine | ten | eleven
adv~:
  never | always | often | gladly | slowly | secretly | badly | kindly | rarely | boldly
  twice | calmly | simply | quickly | sadly | humbly | only | openly | at last
  merely | warmly | coldly | wisely | madly | gaily | grimly | loudly | softly | firmly
  hastily | idly | meekly | neatly | politely | promptly | proudly | rashly | rudely
  safely | sternly | sweetly | tamely | tenderly | truly | vainly | warily | wildly | bravely
  blindly | cheaply | crossly | daily | deftly | duly | eagerly | easily
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
  key+ | letter+ | candle+ | map+ | basket+ | ladder+ | umbrella+ | box+ | coat+ | teapot+ | fiddle+
  cup+ | hat+ | pie+ | bell+ | drum+ | coin+ | ring+ | rug+ | jug+ | pan+ | pot+ | comb+ | fork+
  book+ | boot+ | sock+ | nail+ | saw+ | axe+ | hook+ | flag+ | doll+ | kite+ | pipe+ | fan+ | bag+
  jar+ | lid+ | mug+ | ham+ | egg+ | pear+ | plum+ | fig+ | nut+ | leek+ | rose+ | lily+ | hen+
  duck+ | pig+ | crab+ | eel+ | gull+ | swan+ | pony+ | mule+ | frog+ | harp+ | lute+ | horn+
  flute+ | chair+ | stool+ | bed+ | door+ | desk+ | clock+ | bottle+ | parcel+ | hammer+ | picture+
  violin+ | button+ | pillow+ | ribbon+ | shirt+ | shoe+ | glove+ | wig+ | crown+ | sword+ | cannon+
  wheel+ | cart+ | broom+ | brush+ | bucket+ | sponge+ | pudding+ | cheese+ | onion+ | apple+
  cake+ | poem+ | vase+ | statue+ | needle+ | pencil+ | trumpet+ | quilt+ | whale+ | lamb+
  ram+ | hog+ | ox/oxen | cow+ | calf/calves | bat+ | rat+ | mouse/mice | moth+ | bee+
  wasp+ | ant+ | fly/flies | worm+ | snail+ | toad+ | newt+
  oyster+ | lobster+ | stork+ | crow+ | dove+ | robin+ | wren+ | fox+ | hare+ | bear+ | wolf/wolves
  lion+ | tiger+ | camel+ | tart+ | melon+ | peach+ | grape+ | lemon+ | date+ | carrot+
  turnip+ | radish+ | bean+ | pea+ | knife/knives | dish+ | tray+ | plate+
  bowl+ | cork+ | crate+ | sack+ | trunk+ | purse+ | belt+ | scarf/scarves | cloak+
  gown+ | vest+ | apron+ | slipper+ | sandal+ | helmet+ | spear+ | arrow+ | bow+ | whip+ | saddle+
  sledge+ | wagon+ | canoe+ | raft+ | mast+ | sail+ | rudder+ | tile+ | brick+ | plank+ | post+
  peg+ | bolt+ | screw+ | pin+ | tack+ | file+ | drill+ | rake+ | hoe+ | shovel+ | stone+
  pebble+ | shell+ | pearl+ | ruby/rubies | opal+ | mask+ | puppet+ | ball+ | card+
  novel+ | diary/diaries | hymn+ | sonnet+ | ballad+ | opera+ | sketch+ | globe+ | prism+
  magnet+ | mop+ | tub+ | towel+ | razor+ | ladle+ | funnel+ | sieve+ | mill+ | anvil+ | bagpipe+
  gong+ | cymbal+ | cello+ | banjo+ | viola+ | oboe+
furniture~:
  door | stove | table | window | stairs | clock | bench | curtain | wall | fire | shelf | gate
  piano | cupboard | hedge | roof | well | barn | tree | bridge | tent | pump | altar | sofa
  carpet | sink | oven | hearth | chimney | attic | cellar | ditch | pond | fence | path | lane
  arch | ramp | tower | tomb | cage | stable | kennel | pantry | porch | balcony | barrel | crate
  wagon | statue | fountain | signpost
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
