"""What is read aloud or sung in the play: letters with their lists, and songs in couplets."""

PAGES = r"""
letter_comes:
  A letter from <who>: | Be quiet, and I will read: | This was pinned <where>: | <^who> sent this:
letter:
  \t\t<date> <month> 18<tens><digit>\n\n\t\tDear {me},\n\n\t\t<letter_text>\n\n<letter_list><sign>
sign:
  \t\tYours, <who>
letter_text:
  2~ <talk_{topic}> I enclose: | <^clause>. I have taken: | <talk_{topic}> <told> Please send:
letter_list:
  2~ <item><item>\n | 2~ <item><item><item>\n | 1~ <item><item><item><item>\n
item:
  2~ \t\t- <number> <adj> <thing n=1>\n
  2~ \t\t- <tens><digit> <thing n=1> at <digit>.<tens><digit>\n
  1~ \t\t- <a adj> <thing n=0> (<state>)\n
date:
  <tens> | 1<digit> | 2<digit>
letter_over:
  That is all. | There is no more. | The rest is wet. | It is not signed.
song:
  <couplet> | <couplet>\n<couplet>
couplet:
  <verse r=ea> | <verse r=ore> | <verse r=oon> | <verse r=ell> | <verse r=and>
verse:
  \t\t<^sing_first> the <end_{r}>,\n\t\t\t<^sing_second> the <end_{r}>.
sing_first:
  I lost my <thing n=0> <preposition> | my <kin n=0> is <act f=3> <preposition>
  the <folk n=0> is dreaming of | they carried the <thing n=1> from
sing_second:
  and all that I kept was | and <number> <adj> <thing n=1> flew over | and I shall be <mood> by
  with <a thing n=0> and a song for | and nobody <act f=1> <preposition>
end_ea:
  sea | tree | quay | bee
end_ore:
  shore | door | oar | floor
end_oon:
  moon | spoon | tune | lagoon
end_ell:
  bell | well | shell | hotel
end_and:
  sand | land | band | hand
"""
