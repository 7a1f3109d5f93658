"""The upstream side: connections, repeats, circuit breakers, and bodies that go on after a cut."""
