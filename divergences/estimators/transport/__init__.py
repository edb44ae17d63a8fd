"""What the transport methods share: plans, maps, brackets and the solvers behind them."""
