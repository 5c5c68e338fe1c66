"""Models from the Hub: what a repository holds, which files are taken, and how they come here.

`pulling` is the way in, and light: what talks to the Hub runs in a process of its own (`child`),
which can be ended at any time, for what has come is kept and checked. There `lookup` says what a
repository is, `choosing` which of its files are taken, and `fetching` brings them. Only this
package knows huggingface_hub, and only that process imports it.
"""
