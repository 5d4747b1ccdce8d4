"""Completion scripts for shells, written from the parser itself so that they never lag behind it."""

import argparse
from collections.abc import Iterator

_BASH = """# bash completion for mlrcopilot: eval "$(mlrcopilot completions bash)"
_mlrcopilot() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" command="" word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in -*) ;; *) command="$word"; break ;; esac
    done
    case "$command" in
{cases}
        *) COMPREPLY=($(compgen -W "{commands}" -- "$current")) ;;
    esac
    [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _mlrcopilot mlrcopilot"""

_ZSH = """#compdef mlrcopilot
# zsh completion for mlrcopilot: eval "$(mlrcopilot completions zsh)"
_mlrcopilot() {{
    local -a commands
    commands=(
{commands}
    )
    if (( CURRENT == 2 )); then _describe command commands; return; fi
    case "$words[2]" in
{cases}
    esac
    _files
}}
compdef _mlrcopilot mlrcopilot"""


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The completion script of `shell` (bash, zsh or fish) for everything that `parser` knows."""
    commands = list(_commands(parser))
    if shell == "bash":
        cases = "\n".join(
            f'        {name}) COMPREPLY=($(compgen -W "{" ".join(options)}" -- "$current")) ;;'
            for name, _, options in commands
        )
        return _BASH.format(cases=cases, commands=" ".join(name for name, _, _ in commands))
    if shell == "zsh":
        listed = "\n".join(f"        '{name}:{_quoted(text)}'" for name, text, _ in commands)
        cases = "\n".join(f"        {name}) compadd -- {' '.join(options)} ;;" for name, _, options in commands)
        return _ZSH.format(commands=listed, cases=cases)
    lines = ["# fish completion for mlrcopilot: mlrcopilot completions fish | source"]
    for name, text, options in commands:
        lines.append(f"complete -c mlrcopilot -n __fish_use_subcommand -a {name} -d '{_quoted(text)}'")
        lines += [
            f"complete -c mlrcopilot -n '__fish_seen_subcommand_from {name}' -l {option[2:]}"
            for option in options
            if option.startswith("--")
        ]
    return "\n".join(lines)


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, list[str]]]:
    """Each command's name, help, and the options and choices that may follow it."""
    # argparse offers no public way to what it knows.
    table = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001
    texts = {choice.dest: choice.help or "" for choice in table._choices_actions}  # noqa: SLF001
    for name, command in table.choices.items():
        shown = [known for known in command._actions if known.help != argparse.SUPPRESS]  # noqa: SLF001
        options = [option for known in shown for option in known.option_strings]
        choices = [str(choice) for known in shown if not known.option_strings for choice in known.choices or ()]
        yield name, texts.get(name, ""), [*options, *choices]


def _quoted(text: str) -> str:
    return text.replace("'", "").replace(":", "\\:")
