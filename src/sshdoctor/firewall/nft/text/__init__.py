"""nft's own language in, the objects of its JSON out.

>>> read_script("table inet f { chain i { type filter hook input priority 0; tcp dport ssh drop; } }")[2]
... # doctest: +NORMALIZE_WHITESPACE
('rule', {'family': 'inet', 'table': 'f', 'chain': 'i', 'handle': None, 'text': 'tcp dport ssh drop',
 'expr': [{'match': {'op': '==', 'left': {'payload': {'protocol': 'tcp', 'field': 'dport'}}, 'right': 'ssh'}},
          {'drop': None}]})
"""

from __future__ import annotations

from sshdoctor.firewall.nft.text.script import Object, looks_like_script, read_script, statements_of
from sshdoctor.firewall.nft.text.tokens import Include

__all__ = ["Include", "Object", "looks_like_script", "read_script", "statements_of"]
