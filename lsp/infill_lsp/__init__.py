"""The language server of infill: handlers translate, all work goes through the workbench."""
