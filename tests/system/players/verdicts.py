"""What each player made of each title, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Verdicts:
    """Said by the tests that passed; who is not there has failed, or was not asked."""

    versions: dict[str, str] = field(default_factory=dict)  # by player
    said: dict[tuple[str, str], str] = field(default_factory=dict)  # by title and player

    def say(self, title: str, player: str, verdict: str) -> None:
        self.said[title, player] = verdict

    def __bool__(self) -> bool:
        return bool(self.said)

    def __str__(self) -> str:
        rows = [("title", "player", "verdict"), *((*who, said) for who, said in sorted(self.said.items()))]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        lines = [f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}  {row[2]}" for row in rows]
        versions = ", ".join(f"{player} {version}" for player, version in sorted(self.versions.items()))
        return "\n".join([*lines, f"({versions})"])
