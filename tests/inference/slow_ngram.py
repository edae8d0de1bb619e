"""Modified Kneser-Ney straight from the formulas of Chen & Goodman (1998), by dictionaries."""

from __future__ import annotations

from collections import Counter, defaultdict


def discounts(counts):
    n = Counter(counts.values())
    Y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5
    raw = [c - (c + 1) * Y * n[c + 1] / n[c] if n[c] else Y for c in (1, 2, 3)]
    return [0.0] + [min(max(d, 0.01), c - 0.01) for c, d in enumerate(raw, 1)]


class Slow:
    """The formula read literally, with tuples for grams."""

    def __init__(self, sequences, order, K):
        self.order, self.K = order, K
        self.tables = {}
        for m in range(1, order + 2):
            grams = Counter()
            before = defaultdict(set)
            first = Counter()
            for s in sequences:
                for t in range(1, len(s)):
                    if t - m + 1 < 0:
                        continue
                    gram = s[t - m + 1 : t + 1]
                    grams[gram] += 1
                    if t - m + 1 == 0:
                        first[gram] += 1
                    else:
                        before[gram].add(s[t - m])
            lower = Counter({g: len(before[g]) + first[g] for g in grams})
            self.tables[m] = {"raw": grams, "lower": lower}

    def p(self, history, c, m=None):
        m = self.order if m is None else m
        if m == 0:
            return 1 / self.K
        if len(history) < m - 1:
            return self.p(history, c, m - 1)
        h = history[len(history) - m + 1 :]
        counts = self.tables[m]["raw" if m == self.order else "lower"]
        D = discounts(counts)
        following = {g[-1]: a for g, a in counts.items() if g[:-1] == h}
        below = self.p(history, c, m - 1)
        if not following:
            return below
        a = following.get(c, 0)
        taken = sum(D[min(a, 3)] for a in following.values())
        return (a - D[min(a, 3)] + taken * below) / sum(following.values())
