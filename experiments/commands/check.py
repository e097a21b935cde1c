"""Try on a model all that the toolkit needs of it, without data, and say what works."""

from argparse import ArgumentParser, Namespace

from probexit.experiments.commands.base import Command, Refused, Result, add_template_args
from probexit.experiments.commands.loading import add_loading


class CheckCommand(Command):
    """Try on a model all that the toolkit needs of it, without data, and say what works."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add(
            "model",
            help="'shipped', or shipped-deep, -small or -hesitant, a local folder or a hub id",
        )
        add("--revision", default="", help="commit of a hub model")
        add("--close", help="text after the closing tag that forces an answer")
        add("--think-open", help="opening tag, where the tokenizer does not tell")
        add("--think-close", help="closing tag, likewise")
        add_template_args(parser)
        add_loading(parser)

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.commands.record import load_reasoner
        from probexit.experiments.recording.checks.report import as_dicts, as_table, run_checks

        args.answer_tokens = 32
        findings = run_checks(load_reasoner(args, None))
        print(as_table(findings))
        wrong = [finding.name for finding in findings if finding.wrong]
        if wrong:
            told = f"silently wrong without this check: {', '.join(wrong)}"
            raise Refused(told, as_dicts(findings))
        return as_dicts(findings)
