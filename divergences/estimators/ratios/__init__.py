"""What all density-ratio methods share: log-ratios, what is read from them, error bars."""
