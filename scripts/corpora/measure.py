"""What can be computed exactly from a grammar: expectations and the probability of a text."""

from __future__ import annotations

from math import inf, log2

from .grammar import Element, Grammar

BEYOND = -1


def expectations(grammar: Grammar, start: int) -> tuple[float, float]:
    """Expected bits and expected characters of one derivation.

    Both solve a linear system, x(symbol) = sum over alternatives of p * (own + x of the parts).
    Symbols are visited parts first, so only recursion needs more than one sweep.
    """
    order = _parts_first(grammar, start)
    own: dict[int, tuple[float, float]] = {}
    calls: dict[int, list[tuple[float, int]]] = {}
    for symbol in order:
        options = grammar.productions(symbol)
        total = sum(option.weight for option in options)
        bits = chars = 0.0
        calls[symbol] = []
        for option in options:
            p = option.weight / total
            bits += p * option.bits
            chars += p * sum(len(e) for e in option.elements if isinstance(e, str))
            calls[symbol] += [(p, e) for e in option.elements if isinstance(e, int)]
        own[symbol] = (bits, chars)
    value = dict.fromkeys(order, (0.0, 0.0))
    pending = set(order)
    callers: dict[int, list[int]] = {symbol: [] for symbol in order}
    for symbol in order:
        for _, called in calls[symbol]:
            callers[called].append(symbol)
    while pending:
        for symbol in [s for s in order if s in pending] if len(pending) < len(order) else order:
            pending.discard(symbol)
            bits, chars = own[symbol]
            for p, called in calls[symbol]:
                bits += p * value[called][0]
                chars += p * value[called][1]
            old = value[symbol]
            value[symbol] = (bits, chars)
            if abs(bits - old[0]) + abs(chars - old[1]) > 1e-8 * (1.0 + chars):
                pending.update(callers[symbol])
    return value[start]


def _parts_first(grammar: Grammar, start: int) -> list[int]:
    order: list[int] = []
    seen = {start}
    stack: list[tuple[int, bool]] = [(start, False)]
    while stack:
        symbol, done = stack.pop()
        if done:
            order.append(symbol)
            continue
        stack.append((symbol, True))
        for option in grammar.productions(symbol):
            for element in option.elements:
                if isinstance(element, int) and element not in seen:
                    seen.add(element)
                    stack.append((element, False))
    return order


def _add(one: float, two: float) -> float:
    """-log2 of the sum of two probabilities that are given as -log2."""
    low, high = min(one, two), max(one, two)
    return low if high == inf else low - log2(1.0 + 2.0 ** (low - high))


class Chart:
    """Sums over *all* derivations of a text: a check on the bits of the one that made it.

    With ``prefix`` true the text is the beginning of a longer one, and the sum is over all
    derivations of all texts that begin so.
    """

    def __init__(self, grammar: Grammar, text: str, prefix: bool = False) -> None:
        self.grammar, self.text, self.prefix = grammar, text, prefix
        self._memo: dict[tuple[int, int], dict[int, float]] = {}

    def bits(self, symbol: int) -> float:
        """-log2 of the probability of the text; infinite if it has no derivation."""
        return self.ends(symbol, 0).get(BEYOND if self.prefix else len(self.text), inf)

    def ends(self, symbol: int, start: int) -> dict[int, float]:
        """Where a symbol that begins at ``start`` may end, with -log2 of the probability."""
        key = (symbol, start)
        found = self._memo.get(key)
        if found is None:
            found = {}
            for option in self.grammar.productions(symbol):
                for end, bits in self._follow(option.elements, start).items():
                    bits += option.bits
                    found[end] = _add(found[end], bits) if end in found else bits
            self._memo[key] = found
        return found

    def _follow(self, elements: tuple[Element, ...], start: int) -> dict[int, float]:
        here = {start: 0.0}
        for element in elements:
            after: dict[int, float] = {}
            for at, bits in here.items():
                for end, more in self._match(element, at).items():
                    total = bits + more
                    after[end] = _add(after[end], total) if end in after else total
            here = after
            if not here:
                break
        return here

    def _match(self, element: Element, at: int) -> dict[int, float]:
        if at == BEYOND or (self.prefix and at == len(self.text)):
            return {BEYOND: 0.0}
        if isinstance(element, int):
            return self.ends(element, at)
        if self.text.startswith(element, at):
            return {at + len(element): 0.0}
        if self.prefix and element.startswith(self.text[at:]):
            return {BEYOND: 0.0}
        return {}
