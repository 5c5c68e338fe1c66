"""What a person sees: the command line, and the app on top of it.

Reaches the engine by `engine.api` alone. `cli` is the command's entry, `commands` its subcommands,
`app` the app, `screens` its areas and dialogs, `widgets` what they are made of, `graphics` pictures
in the terminal, `terminal` what else is asked of it, `undo` what can be taken back. Begin with `cli`
and `app`.
"""
