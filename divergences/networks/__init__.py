"""Networks: torch modules that critics and generators are made of.

Whatever imports from here loads torch, so import inside functions where that has to wait.
"""
