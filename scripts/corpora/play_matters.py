"""What the scenes of the play are about: six matters that trouble a small harbour town."""

MATTERS = r"""
talk_goose:
  The goose has bitten <who> again. | A goose like that is wasted on <a virtue> town.
  I counted the geese <when>, and one was missing. | She is <a virtue> bird, and she likes you.
  Whoever feeds the goose must also apologise to <who>.
  The goose was seen <when> with <a nice> in her beak.
  Geese remember everything, {you}. | Nobody steals a goose before <event>.
  They say that she swallowed <number> <many>. | <^they> have offered a reward for her.
quote_goose:
  that goose is no friend of mine | she bites only the <virtue> | I never touched the goose
  the goose is under arrest | a goose cannot sign her name | she has eaten the <nice>
talk_ledger:
  The ledger was on this table <when>. | Page <tens><digit> is missing, and so is <who>.
  It says that we owe <who> <number> pounds. | The handwriting is <adj>, but it is mine.
  Somebody has added <number> <many> to the account. | A ledger does not walk, {you}.
  Without the ledger we cannot prove that we own the <nice>.
  I wrote every figure myself, <while>. | <^they> swear that there were two ledgers.
  I found <number> pages of it <where>.
quote_ledger:
  the figures are all wrong | I burned nothing but toast | look at page <tens><digit>
  a debt is a debt | somebody has paid for the <nice> | <who> cannot add
talk_storm:
  The glass is falling, and the gulls have gone inland. | It will be here before <event>.
  The last storm took the roof, the fence and <who>. | I can smell rain, {you}.
  There are still <number> boats beyond the point. | We should tie down every <nice>.
  <^they> have been boarding up the windows <while>. | The wind has turned <mood>.
  <^who> saw green lightning <when>. | No storm has ever frightened <who>.
quote_storm:
  stay away from the water | it is only a little wind | the sea wants its <nice> back
  bring in <they> | the sky is the wrong colour | this is nothing to the storm of 18<tens><digit>
talk_wedding:
  The wedding cannot begin without <who>. | She has changed the hymns <number> times.
  There will be <number> guests and only one <nice>. | The bride is more <mood> than she looks.
  The ring was <where> all the time. | I have promised to make a speech about the <nice>.
  The groom has been <mood> <while>. | <^they> want to sit in front, {you}.
  They met <when>, when <who> fell off the jetty. | Somebody must invite <who>.
quote_wedding:
  I will, if <who> will | marry in haste and dance at leisure | she said no <when>
  the cake is not for <they> | love is <a nice> | do not throw the rice yet
talk_clock:
  The clock stopped at <hour>, and so did <who>. | It has struck <hour> <while>.
  Without the clock nobody knows when to be <mood>. | There is <a nice> in the works, {you}.
  <^they> now set their watches by the soup. | It lost <number> minutes <when>.
  The town has voted to keep <hour> o'clock for ever. | <^who> says that time is resting.
  I wound it <when> and it thanked me. | Every cog in it is <adj>.
quote_clock:
  it is later than you think | time is only <a adj> habit | the clock was right and we were wrong
  do not wake the pendulum | it is always <hour> somewhere | ask <who> what time it was
talk_boat:
  The boat leaks, but she leaks slowly. | She was built <when> by <who>.
  We have bailed out the boat <while>. | Paint her <adj> and <they> will buy her, {you}.
  There is a hole in her as big as <a nice>. | She will float, if we leave <who>.
  I have caulked her with <number> old shirts. | She has carried <number> <many> across the bay.
  A boat without a name is never <mood>. | <^who> wants her back before <event>.
quote_boat:
  she will never float | put <they> in the other boat | a boat is a hole in the water
  count the passengers twice | I sold her for <number> <many> | never trust <a adj> oar
"""

MATTER_NAMES = {
    "goose": {"of": "the runaway goose"},
    "ledger": {"of": "the missing ledger"},
    "storm": {"of": "the coming storm"},
    "wedding": {"of": "the wedding on Saturday"},
    "clock": {"of": "the clock that stopped"},
    "boat": {"of": "the leaking boat"},
}
