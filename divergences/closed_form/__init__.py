"""Exact values between known measures: formulas by pair of families, sums and integrals."""

from divergences.closed_form import kernel, ratio, transport
from divergences.closed_form.registry import exact, register

__all__ = ["exact", "kernel", "ratio", "register", "transport"]
