"""Tests of proxy.analysis."""
