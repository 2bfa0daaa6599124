"""Where tasks are performed. An engine knows no files and no journal."""
