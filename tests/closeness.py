"""Whether an estimate holds a known truth, within an error bar that says something."""


def assert_holds(found, truth, *, within, extra=0.0):
    """The truth lies within four standard errors beyond the stated bias, and these below a limit.

    Of a normal error that is a false alarm in 16,000. Without the limit a bias of -inf, or an
    error bar as long as the truth is large, would hold anything.
    """
    slack = 4 * found.stderr + abs(found.bias) + extra
    assert abs(found - truth) < slack
    assert slack < within
