"""Many small batch-norm networks at once: what does the mini-batch size do to batch norm?"""
