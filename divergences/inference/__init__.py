"""How sure an estimate is: tests, intervals and the levels that bias them."""
