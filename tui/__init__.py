"""What a person sees: the command line, and the app on top of it.

Reaches the engine by `engine.api` alone. `cli` is the command's entry, `commands` its subcommands,
`app` the app, `screens` its areas and dialogs, `widgets` what these are made of, `graphics`
pictures, `terminal` what else is asked of the terminal, `undo` what can be taken back. Begin with
`cli` and `app`.
"""
