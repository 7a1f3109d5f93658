"""The whole system on one machine: the `penstock` command, scenarios, benchmarks of policies, reports."""
