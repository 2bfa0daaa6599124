"""Where tasks become outcomes: this process, several processes, a cluster.

Engines know tasks and outcomes, and neither files nor a journal.
"""
