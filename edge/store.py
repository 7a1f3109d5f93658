"""The RAM tier: stored responses by key, within a budget of bytes that an eviction policy keeps."""

from __future__ import annotations

from edge.eviction import EvictionPolicy
from edge.message import Request
from edge.stored import StoredResponse
from edge.storing import variant_key, vary_names


class Store:
    """Responses by key; a key whose responses vary has one per selecting request (RFC 9111, 4.1)."""

    def __init__(self, policy: EvictionPolicy) -> None:
        self.policy = policy
        self.entries: dict[bytes, StoredResponse] = {}  # the hot path reads it
        self.evicted = 0
        self._variants: dict[bytes, tuple[tuple[bytes, ...], set[bytes]]] = {}

    def lookup(self, request: Request) -> StoredResponse | None:
        """The response that `request` selects. It is not a hit before `touch` says so."""
        return self.entries.get(self.key_of(request))

    def key_of(self, request: Request) -> bytes:
        known = self._variants.get(request.key)
        return request.key if known is None else variant_key(request.key, known[0], request)

    def touch(self, stored: StoredResponse) -> None:
        self.policy.hit(stored.key)

    def keep(self, request: Request, stored: StoredResponse) -> bool:
        """Keep `stored` as the answer to `request`; False if the policy has no place for it."""
        names = vary_names(stored.fields)
        known = self._variants.get(request.key)
        if known is not None and known[0] != names:
            self.purge(request.key)
        elif known is None and names:
            self.drop(request.key)
        stored.key = variant_key(request.key, names, request)
        self.drop(stored.key)
        victims = self.policy.admit(stored.key, stored.size_bytes)
        if stored.key in victims:
            return False
        for victim in victims:
            self._remove(victim)  # type: ignore[arg-type]
        self.evicted += len(victims)
        self.entries[stored.key] = stored
        if names:
            self._variants.setdefault(request.key, (names, set()))[1].add(stored.key)
        return True

    def drop(self, key: bytes) -> bool:
        """Forget one stored response; True if there was one."""
        if key not in self.entries:
            return False
        self.policy.forget(key)
        self._remove(key)
        return True

    def purge(self, key: bytes) -> int:
        """Forget all that is stored for a cache key, every variant; returns how many there were."""
        known = self._variants.get(key)
        keys = list(known[1]) if known else [key]
        return sum(self.drop(each) for each in keys)

    def _remove(self, key: bytes) -> None:
        del self.entries[key]
        primary = key.partition(b"\n")[0]
        known = self._variants.get(primary)
        if known is not None:
            known[1].discard(key)
            if not known[1]:
                del self._variants[primary]
