"""Read by the server that forks training processes (`warm`): the model that tells languages, which each of them would load by itself."""

from notewright.language import language_of

language_of("A river carries silt to the plain.")
