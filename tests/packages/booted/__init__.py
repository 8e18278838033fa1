"""Debians that are booted, in the demo world of tests/e2e."""
