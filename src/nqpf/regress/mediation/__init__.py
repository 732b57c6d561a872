"""Mediation in three equations, and what it does not identify."""

from nqpf.regress.mediation.model import mediation
from nqpf.regress.mediation.result import MediationResult

__all__ = ["MediationResult", "mediation"]
