"""`--help` must not pay for what a command imports when it runs."""

import subprocess
import sys

HEAVY = (
    "boto3",
    "botocore",
    "google.cloud",
    "google.auth",
    "azure",
    "kubernetes",
    "pydantic",
    "rich",
    "ruamel",
    "urllib3",
    "asyncio",
)


def modules_after(*arguments: str) -> set[str]:
    program = (
        "import sys\n"
        f"sys.argv = ['deployer', *{list(arguments)!r}]\n"
        "from deployer.cli.start import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout, "the command printed nothing"
    return set(done.stderr.split())


def heavy(modules: set[str]) -> set[str]:
    return {name for name in HEAVY if any(m == name or m.startswith(name + ".") for m in modules)}


def test_help_imports_no_cloud_sdk_and_nothing_slow() -> None:
    assert heavy(modules_after("--help")) == set()


def test_the_bare_help_does_not_even_import_typer() -> None:
    assert "typer" not in modules_after("--help")
    assert "typer" in modules_after("--version")


def test_a_commands_help_imports_no_cloud_sdk() -> None:
    typers_own = {"pydantic"}
    assert heavy(modules_after("deploy", "--help")) <= typers_own
