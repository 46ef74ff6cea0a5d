"""The company's own data: rows of tables and passages of documents, known by keyed hashes alone."""
