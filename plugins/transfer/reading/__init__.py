"""Files read: dialect, rows, cells, columns, and the documents that a mapping makes of them."""
