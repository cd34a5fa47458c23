"""Outward doors for mail: one message, and the ways to hand it over."""
