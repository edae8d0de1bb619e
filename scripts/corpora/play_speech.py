"""The sentences that the persons of the play say, and the questions they answer."""

SPEECH = r"""
who:
  4~ <whose> <folk n=0> | 6~ <whose> <virtue> <folk n=0> | 2~ <whose> <kin n=0> | 3~ <first>
  6~ <first> <surname> | 3~ <mister> <surname> | 2~ <first>'s <kin n=0>
whose:
  6~ the | 2~ my | 2~ your | our | this | that | her | his
mister:
  Mr | Mrs | Miss | Dr | old
they:
  3~ <whose_many> <folk n=1> | 4~ <whose_many> <virtue> <folk n=1> | 1~ <whose_many> <kin n=1>
  1~ <first>'s <kin n=1> | 2~ <first> and <first> | 1~ <number> <virtue> <folk n=1>
whose_many:
  6~ the | 2~ my | 2~ your | our | these | those | her | his
goods(n):
  4~ <thing> | 1~ <prop_{place}>
nice:
  1~ <thing n=0> | 1~ <adj> <thing n=0>
many:
  1~ <thing n=1> | 1~ <adj> <thing n=1>
one_det:
  5~ the | 2~ my | 2~ your | 2~ this | 2~ that | her | his | our | every | one | 3~ <first>'s
many_det:
  6~ the | 3~ my | 3~ your | 2~ these | 2~ those | her | his | our | some | 2~ all the | 2~ <number>
obj:
  2~ <one_det> <goods n=0> | 5~ <one_det> <adj> <goods n=0> | 3~ <one_det> <adj> <adj> <goods n=0>
  1~ <a thing n=0> | 2~ <a adj> <goods n=0> | 2~ <a adj> <adj> <goods n=0>
  1~ <many_det> <goods n=1> | 3~ <many_det> <adj> <goods n=1> | 2~ <adj> <goods n=1>
  1~ <many_det> <adj> <adj> <goods n=1> | 1~ <one_det> <thing n=0> and <one_det> <thing n=0>
where:
  4~ <preposition> the <furniture> | 3~ <preposition> the <adj> <furniture> | 2~ <preposition> <who>
  1~ <spot_{place}>
when:
  3~ on <day> | 2~ last <season> | 2~ in <month> | 2~ at <hour> | yesterday
when_0:
  3~ on <day> | 2~ next <season> | 2~ in <month> | 2~ at <hour> | tonight | tomorrow
when_1:
  2~ every <season> | 2~ every <day> | 2~ in <month> | 1~ at <hour>
when_2:
  <when>
when_3:
  again | today | tonight | this <season>
while:
  since <day> | since <month> | all <season> | for <number> years | <number> times | every <season>
event:
  6~ <who> <act f=1> | 3~ <they> <act f=0> | 1~ the tide turns | 1~ the storm breaks
adverb:
  5~ \s | 4~ \s<adv>\s
tail:
  6~ \0 | 4~ \s<where> | 3~ \s<when_{f}> | 1~ \swith <who> | 1~ \sfor <they> | 1~ \sbefore <event>
deed:
  1~ <deed_{place}> | 9~ <verb> <obj>
deeds:
  5~ <deed><tail> | 2~ <act><tail>
modal:
  must | will | may | can | should | would | might | could
sent:
  44~ <^clause>. | 12~ <^clause>, <joint> <clause>. | 14~ <told> | 5~ <work>
  4~ <state_of> | 3~ <there>
  2~ <talk_{topic}> | 2~ <if> | 3~ <feeling> | 4~ <aside> | 2~ <past> | 1~ <^title> <does>.
  2~ <^scorn>, {you}! | 1~ <^scorn>!
joint:
  and | but | so | for | yet
clause:
  4~ <who><adverb><deeds f=2> | 3~ <who> <modal><adverb><deeds f=0> | 2~ <who><adverb><deeds f=1>
  2~ <they><adverb><deeds f=2> | 2~ <they> <modal><adverb><deeds f=0> | 2~ <they><adverb><deeds f=0>
  3~ <self><adverb><deeds f=2> | 3~ <self> <modal><adverb><deeds f=0> | 1~ <who> is <deeds f=3>
  1~ <they> are <deeds f=3>
self:
  3~ I | 2~ you | 2~ we | 2~ he | 2~ she | 2~ they
quote:
  2~ <quote_{topic}> | 5~ <clause> | 2~ do not <deed f=0> | 1~ tell {you} to <deed f=0>
  1~ <they> are <mood> | 1~ <who> is <mood> | 1~ <obj> for <obj>
told:
  3~ <^who> <said f=2>, "<^quote>." | 2~ "<^quote>," <said f=2> <who>.
  1~ "<^quote>!" <they> <said f=2>, "and <quote>!"
  1~ <^who> wrote "<^title> <does>" on <obj>.
  2~ <^who> <said f=2>, "<^they> sang '<^quote>' <when>."
  1~ "<^quote>," <said f=2> <they>, "but <who> <said f=1> '<^quote>.'"
work:
  3~ I have <deed f=4> <while>. | 2~ Please <deed f=0><tail f=0>, {you}.
  1~ Let <who> <deed f=0>, {you}.
  2~ Nobody <deed f=1> like <who>. | 2~ I was <deed f=3> when <who> <act f=2>.
state_of:
  3~ The <goods n=0> <where> is <state>. | 3~ The <goods n=1> <where> are <state>.
  2~ This <adj> <goods n=0> is <state>. | 2~ These <adj> <goods n=1> are <state>.
there:
  3~ There is <a adj> <goods n=0> <where>. | 2~ There are <number> <adj> <goods n=1> <where>.
  1~ Here are <number> <thing n=1> and <obj>, {you}.
if:
  2~ If <who> <deeds f=1>, <they> will <deeds f=0>. | 1~ If it is <state>, sell it to <who>.
  1~ If <they> <deeds f=0>, I shall <deeds f=0>.
feeling:
  2~ I am too <mood> to <deed f=0>. | 1~ You look <mood>, {you}. | 2~ <^who> is <mood> and <mood>.
  2~ <^they> are <mood> but <mood>.
aside:
  3~ <^self> <deed f=2> (and <who> <deed f=2>). | 2~ <^who> (who is <mood>) <deeds f=2>.
  2~ The <goods n=0> (the <adj> one, <where>) is <state>. | 2~ <^they> (who are <mood>) <deeds f=2>.
  1~ It cost <number> pounds (<who> said "<number>") and it is <state>.
past:
  2~ In 18<tens><digit> <who> <deed f=2>. | 1~ I was <mood> in 18<tens><digit>.
  1~ It is 18<tens><digit> steps to the <furniture>.
ask_yes:
  3~ Did you <deed f=0>? | 1~ Have <they> <deed f=4>? 
  2~ Is <who> <mood>? | 1~ Shall we <deed f=0>?
ask_who:
  3~ Who <deed f=2> <when>? | 1~ Which of you <deed f=2>, {you}?
ask_one:
  2~ Where is the <adj> <goods n=0>? | 1~ Where is my <goods n=0>, {you}?
ask_many:
  2~ Where are the <number> <goods n=1>? | 1~ Where are my <adj> <goods n=1>, {you}?
ask_why:
  2~ Why are you so <mood>, {you}? | 1~ Why does <who> <deeds f=0>? | 1~ Why do <they> <deeds f=0>?
reply_yes:
  3~ Yes.\s | 2~ No, {you}.\s | 1~ Of course.\s | 1~ Not yet.\s | 1~ Only with <who>.\s
reply_who:
  3~ <^who> did.\s | 2~ It was <who>.\s | 1~ I did, {you}.\s | 1~ Nobody.\s
reply_one:
  3~ It is <where>.\s | 2~ <^who> has it.\s | 1~ We ate it.\s
reply_many:
  3~ They are <where>.\s | 2~ <^they> have them.\s | 1~ We ate them.\s
reply_why:
  2~ Because <who> <deeds f=2>.\s | 1~ Because I must <deed f=0>.\s | 1~ Ask <who>.\s
body:
  1~ <^sent> | 3~ <^sent> <^sent> | 5~ <^sent> <^sent> <^sent> | 5~ <^sent> <^sent> <^sent> <^sent>
  4~ <^sent> <^sent> <^sent> <^sent> <^sent> | 2~ <^sent> <^sent> <^sent> <^sent> <^sent> <^sent>
"""
