"""How the shipped topics were learned from labels, and by what they are measured."""
