"""The RAM tier: stored responses by key, within a budget of bytes that an eviction policy keeps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from edge.eviction import EvictionPolicy
from edge.message import Request, ResponseHead
from edge.slices import Part, Run, Sliced, SlicedHead, may_combine
from edge.stored import Speaker, StoredResponse
from edge.storing import variant_key, vary_names

if TYPE_CHECKING:
    from edge.ondisk import OnDisk

_ROOMY = 0.95
_COMING = b"\n"  # begins the keys under which the policy knows what is on its way; no response has such a one
_RUN_OVERHEAD_BYTES = 2048  # of the objects around a run, and around a response of one run


class Store:
    """Responses by key; a key whose responses vary has one per selecting request (RFC 9111, 4.1)."""

    def __init__(self, policy: EvictionPolicy) -> None:
        self.policy = policy
        self.entries: dict[bytes, StoredResponse] = {}  # the hot path reads it
        self.evicted = 0
        self.disk: OnDisk | None = None  # the tier below: it keeps what this one keeps, and longer
        self._numbers = count()
        self._sliced: dict[bytes, Sliced] = {}
        self._variants: dict[bytes, tuple[tuple[bytes, ...], set[bytes]]] = {}
        self._by_group: defaultdict[bytes, set[bytes]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self.entries) + len(self._sliced)

    def lookup(self, request: Request) -> StoredResponse | None:
        """The response that `request` selects. It is not a hit before `touch` says so."""
        return self.entries.get(self.key_of(request))

    def parts(self, request: Request) -> Sliced | None:
        """What is stored in parts of the response that `request` selects."""
        return self._sliced.get(self.key_of(request))

    def key_of(self, request: Request) -> bytes:
        known = self._variants.get(request.key)
        return request.key if known is None else variant_key(request.key, known[0], request)

    def varies(self, key: bytes) -> bool:
        """Something is stored for the URL, for requests with other fields at least."""
        return key in self._variants

    def has_room(self, size_bytes: int) -> bool:
        """A body of that size fits, and little is evicted for it."""
        return self.policy.used_bytes + size_bytes <= self.policy.capacity_bytes * _ROOMY

    def touch(self, stored: StoredResponse) -> None:
        self.policy.hit(stored.key)

    def touch_part(self, sliced: Sliced, position: int) -> None:
        self.policy.hit(_run_key(sliced.stored.key, position // sliced.slice_bytes))

    def keep(self, request: Request, stored: StoredResponse, *, is_from_disk: bool = False) -> bool:
        """Keep `stored` as the answer to `request`; False if the policy has no place for it."""
        stored.key = self._place(request, stored)
        self._drop(stored.key)
        if self.disk is not None and not is_from_disk:
            self.disk.keep(stored.key, stored.head, stored.body)
        if not self._admit(stored.key, stored.size_bytes):
            return False
        self.entries[stored.key] = stored
        self._index(request, stored)
        return True

    def keep_part(
        self, request: Request, part: Part, data: bytes, speaker: Speaker, slice_bytes: int
    ) -> None:
        """Keep the bytes of a 206 beside those it may be combined with; others make room (RFC 9111, 3.4)."""
        stored = StoredResponse(request.key, part.head, b"", speaker.of(request.key))
        key = stored.key = self._place(request, stored)
        whole = self.entries.get(key)
        if whole is not None and _is_part_of(part, whole):  # it came while the part was on its way
            self.update(whole, part.head)
            return
        sliced = self._sliced.get(key)
        is_same = sliced is not None and sliced.total_bytes == part.total_bytes
        if sliced is not None and is_same and may_combine(sliced.stored.fields, part.head.fields):
            self.update(sliced.stored, part.head)
        else:
            self._drop(key)
            if self.disk is not None:  # it may have slices of this representation
                self.disk.drop_whole(key)
            sliced = Sliced(stored, part.total_bytes, slice_bytes)
        runs = list(sliced.pieces(part.span, data))
        if self.disk is not None:
            self.disk.sheaves.keep(sliced, runs)
        for number, run in runs:
            self._sliced[key] = sliced  # room for one run may cost the last of the others
            self._keep_run(sliced, number, run)
        self._sliced[key] = sliced
        self._index(request, sliced.stored)
        if not sliced.runs:  # there was no room for any
            self._drop(key)

    def update(self, stored: StoredResponse, head: ResponseHead) -> None:
        """Give what is stored the fields and times of `head` (RFC 9111, 3.2)."""
        is_whole = self.entries.get(stored.key) is stored
        sliced = self._sliced.get(stored.key)
        is_part = sliced is not None and sliced.stored is stored
        old = stored.head
        self._ungroup(stored)
        stored.take(head)
        if is_whole or is_part:  # not dropped while upstream was asked about it
            self._group(stored)
        if self.disk is None:
            return
        if is_whole:
            self.disk.update(stored)
        elif isinstance(stored, SlicedHead):
            self.disk.sheaves.renew(Sliced(stored, stored.total_bytes, stored.slice_bytes))
        elif sliced is not None and is_part:
            self.disk.sheaves.renew(sliced)
        else:
            self.disk.update_from(old, stored)

    def drop(self, key: bytes) -> bool:
        """Forget what is stored under one key, whole or in parts; True if there was something."""
        is_on_disk = self.disk is not None and self.disk.drop(key)
        return self._drop(key) or is_on_disk

    def _drop(self, key: bytes) -> bool:
        if key in self.entries:
            self.policy.forget(key)
            self._remove(key)
            return True
        sliced = self._sliced.get(key)
        if sliced is None:
            return False
        for number in list(sliced.runs):
            self.policy.forget(_run_key(key, number))
        del self._sliced[key]
        self._unindex(sliced.stored)
        return True

    def purge(self, key: bytes) -> int:
        """Forget all that is stored for a cache key, every variant; returns how many there were."""
        on_disk = 0 if self.disk is None else self.disk.purge(key)
        return max(on_disk, sum(self._drop(each) for each in self.keys_of(key)))

    def expire(self, key: bytes, now_s: float) -> int:
        """Let all that is stored for a cache key be stale from now on; returns how many there were."""
        found = [self.entries.get(each) or self._headed(each) for each in self.keys_of(key)]
        for stored in filter(None, found):
            stored.expire(now_s)
        on_disk = 0 if self.disk is None else self.disk.expire(key, now_s)
        return max(on_disk, len(list(filter(None, found))))

    def keys_of(self, key: bytes) -> list[bytes]:
        """The keys of the variants of a cache key; itself where there are none."""
        known = self._variants.get(key)
        return list(known[1]) if known else [key]

    def stored_for(self, key: bytes) -> list[StoredResponse | Sliced]:
        """All that is stored for a cache key, whole or in parts."""
        found = (self.entries.get(each) or self._sliced.get(each) for each in self.keys_of(key))
        return [each for each in found if each is not None]

    def members(self, group: bytes) -> list[bytes]:
        """The keys of the responses that are in a group now (RFC 9875), each variant's own."""
        return list(self._by_group.get(group, ()))

    def keys_now(self) -> list[bytes]:
        """The keys of all that is stored now, each variant's own."""
        return [*self.entries, *self._sliced]

    def _headed(self, key: bytes) -> StoredResponse | None:
        sliced = self._sliced.get(key)
        return None if sliced is None else sliced.stored

    def _place(self, request: Request, stored: StoredResponse) -> bytes:
        """The key for `stored`; what was chosen by other request fields is forgotten."""
        names = vary_names(stored.fields)
        known = self._variants.get(request.key)
        if known is not None and known[0] != names:
            self.purge(request.key)
        elif known is None and names:
            self.drop(request.key)
        return variant_key(request.key, names, request)

    def _admit(self, key: bytes, size_bytes: int) -> bool:
        victims = self.policy.admit(key, size_bytes)
        if key in victims:
            return False
        for victim in victims:
            self._remove(victim)  # type: ignore[arg-type]
        self.evicted += len(victims)
        return True

    def _keep_run(self, sliced: Sliced, number: int, run: Run) -> None:
        key = _run_key(sliced.stored.key, number)
        if sliced.runs.pop(number, None) is not None:
            self.policy.forget(key)
        if self._admit(key, len(run.data) + len(key) + _RUN_OVERHEAD_BYTES):
            sliced.runs[number] = run

    def _index(self, request: Request, stored: StoredResponse) -> None:
        names = vary_names(stored.fields)
        if names:
            self._variants.setdefault(request.key, (names, set()))[1].add(stored.key)
        self._group(stored)

    @contextmanager
    def room_for(self, size_bytes: int) -> Iterator[None]:
        """Hold memory for a body on its way: what is stored makes room before it comes, not after."""
        key = b"%s%d" % (_COMING, next(self._numbers))
        self._admit(key, size_bytes)
        try:
            yield
        finally:
            self.policy.forget(key)

    def _remove(self, key: bytes) -> None:
        """Take out what the policy no longer holds: a response, or one run of a sliced one."""
        if key.startswith(_COMING):
            return
        stored = self.entries.pop(key, None)
        if stored is not None:
            self._unindex(stored)
            return
        whole, _, number = key.rpartition(b"\n#")
        sliced = self._sliced[whole]
        del sliced.runs[int(number)]
        if not sliced.runs:
            del self._sliced[whole]
            self._unindex(sliced.stored)

    def _unindex(self, stored: StoredResponse) -> None:
        key = stored.key
        primary = key.partition(b"\n")[0]
        known = self._variants.get(primary)
        if known is not None:
            known[1].discard(key)
            if not known[1]:
                del self._variants[primary]
        self._ungroup(stored)

    def _group(self, stored: StoredResponse) -> None:
        for group in stored.groups:
            self._by_group[group].add(stored.key)

    def _ungroup(self, stored: StoredResponse) -> None:
        for group in stored.groups:
            members = self._by_group[group]
            members.discard(stored.key)
            if not members:
                del self._by_group[group]


def _is_part_of(part: Part, whole: StoredResponse) -> bool:
    """`part` brings nothing that `whole` lacks."""
    is_same = whole.status == 200 and len(whole.body) == part.total_bytes
    return is_same and may_combine(whole.fields, part.head.fields)


def _run_key(key: bytes, number: int) -> bytes:
    return b"%s\n#%d" % (key, number)
