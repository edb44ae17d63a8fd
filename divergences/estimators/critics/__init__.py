"""The library of critics that `Stacked` combines: each fitted to points, and heard on others."""
