"""Generators trained under one protocol: targets, recipes, records, and the page of them."""
