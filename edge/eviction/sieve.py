"""SIEVE: a queue, a visited bit per object, and a hand that moves from old to new.

Zhang et al., "SIEVE is Simpler than LRU" (NSDI 2024). A hit sets a bit and moves nothing, which is why it is
cheap; an eviction walks the hand towards the head of the queue, clearing bits, and takes the first unvisited.
"""

from __future__ import annotations

from edge.eviction.base import Key


class _Node:
    """An object in the queue; `newer` leads to the head, `older` to the tail."""

    __slots__ = ("key", "newer", "older", "size_bytes", "visited")

    def __init__(self, key: Key, size_bytes: int) -> None:
        self.key = key
        self.size_bytes = size_bytes
        self.visited = False
        self.newer: _Node | None = None
        self.older: _Node | None = None


class Sieve:
    """Objects that nobody asked for since the hand last passed go first."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self._nodes: dict[Key, _Node] = {}
        self._head: _Node | None = None
        self._tail: _Node | None = None
        self._hand: _Node | None = None
        self._used_bytes = 0

    def hit(self, key: Key) -> None:
        node = self._nodes.get(key)
        if node is not None:
            node.visited = True

    def admit(self, key: Key, size_bytes: int) -> list[Key]:
        if size_bytes > self.capacity_bytes:
            return [key]
        victims = []
        while self._used_bytes + size_bytes > self.capacity_bytes:
            victims.append(self._evict())
        self._insert(_Node(key, size_bytes))
        return victims

    def forget(self, key: Key) -> None:
        node = self._nodes.get(key)
        if node is not None:
            self._unlink(node)

    @property
    def used_bytes(self) -> int:
        return self._used_bytes

    def __contains__(self, key: Key) -> bool:
        return key in self._nodes

    def __len__(self) -> int:
        return len(self._nodes)

    def _insert(self, node: _Node) -> None:
        node.older, self._head = self._head, node
        if node.older is not None:
            node.older.newer = node
        else:
            self._tail = node
        self._nodes[node.key] = node
        self._used_bytes += node.size_bytes

    def _evict(self) -> Key:
        node = self._hand or self._tail
        while node is not None and node.visited:
            node.visited = False
            node = node.newer or self._tail
        assert node is not None, "asked to evict from an empty queue"
        self._hand = node
        self._unlink(node)
        return node.key

    def _unlink(self, node: _Node) -> None:
        """Take `node` out; a hand that points at it moves on to the next newer."""
        if self._hand is node:
            self._hand = node.newer
        if node.newer is not None:
            node.newer.older = node.older
        else:
            self._head = node.older
        if node.older is not None:
            node.older.newer = node.newer
        else:
            self._tail = node.newer
        del self._nodes[node.key]
        self._used_bytes -= node.size_bytes
