"""What there is and what is done in each of the places of the play."""

PLACES = r"""
prop_lamp~(n):
  lens/lenses | lamp+ | mirror+ | wick+ | shutter+ | oil can/cans | hinge+
deed_lamp~(f):
  trim** the wick | light/lights/lit/lighting/lit the great lamp
  watch* the horizon | fill* the oil cans | signal** to a ship
  climb* all ninety steps | dust* the reflectors
spot_lamp:
  behind the great lamp | on the gallery rail | between the reflectors
prop_office~(n):
  stamp+ | inkwell+ | chart+ | sea chest+ | licence+ | brass scale+ | invoice+
deed_office~(f):
  copy* the tide tables | seal* the envelopes | weigh* the mail | sharpen* the pencils
  sign* for the cargo | add* up the harbour dues | file* the complaints
spot_office:
  under the tide tables | among the unpaid bills | inside the sea chest
prop_kitchen~(n):
  kettle+ | soup bowl+ | saucepan+ | bread knife/knives | spoon+ | jam jar+ | pepper mill+
deed_kitchen~(f):
  stir** the soup | peel* the potatoes | taste* the gravy
  lay/lays/laid/laying/laid the table | chop** an onion
  spoil* the porridge | feed/feeds/fed/feeding/fed the cat
spot_kitchen:
  behind the flour | inside the largest saucepan | between the plates
prop_garden~(n):
  beehive+ | apple tree+ | spade+ | rose bush/bushes | pumpkin+ | watering can/cans | garden gate+
deed_garden~(f):
  water* the beans | dig/digs/dug/digging/dug a very deep hole | prune* the roses | scare* the hens
  pick* the first pears | soothe* the bees | rake* the gravel
spot_garden:
  under the apple tree | among the cabbages | behind the beehives
prop_chapel~(n):
  bench/benches | hymn book+ | organ pipe+ | collection plate+ | bell rope+ | stained window+
deed_chapel~(f):
  ring/rings/rang/ringing/rung the evening bell | practise* the second hymn | tune* the organ
  sweep/sweeps/swept/sweeping/swept the aisle | arrange* the lilies
  forgive/forgives/forgave/forgiving/forgiven the choir
spot_chapel:
  behind the organ | under the hymn books | beside the font
prop_tower~(n):
  cog+ | spring+ | pendulum+ | owl+ | clock hand+ | iron weight+ | trapdoor+
deed_tower~(f):
  wind/winds/wound/winding/wound the great clock | oil* the cogs | count* the chimes
  listen* for the quarter hour | scold* the owl | adjust* the minute hand
spot_tower:
  behind the clock face | under the trapdoor | among the cogs
prop_bakery~(n):
  loaf/loaves | flour sack+ | rolling pin+ | seed cake+ | pie dish/dishes | oven door+ | bun+
deed_bakery~(f):
  knead* the dough | light/lights/lit/lighting/lit the ovens | ice* the seed cake
  sift* the flour | serve* the first customers | glaze* the buns | grease* the tins
spot_bakery:
  behind the flour sacks | in the cold oven | beneath the counter
prop_ferry~(n):
  oar+ | lantern+ | anchor+ | net+ | barrel+ | life jacket+ | ticket+
deed_ferry~(f):
  row* to the island | coil* the ropes | bail* out the boat 
  punch* the tickets | tie/ties/tied/tying/tied up the ferry | wave* to the passengers
  untangle* the nets
spot_ferry:
  under the jetty | at the bottom of the boat | behind the barrels
"""

PLACE_NAMES = {
    "lamp": {"title": "The Lamp Room", "the": "the lamp room"},
    "office": {"title": "The Harbour Office", "the": "the harbour office"},
    "kitchen": {"title": "The Kitchen of the Inn", "the": "this kitchen"},
    "garden": {"title": "The Walled Garden", "the": "the garden"},
    "chapel": {"title": "The Sailors' Chapel", "the": "the chapel"},
    "tower": {"title": "The Clock Tower", "the": "the tower"},
    "bakery": {"title": "The Bakery", "the": "the bakery"},
    "ferry": {"title": "The Ferry Landing", "the": "the landing"},
}
