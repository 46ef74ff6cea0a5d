"""How the token classifier is made: corpora, generator, training, export, evaluation; never imported at run time."""
